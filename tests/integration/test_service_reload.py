"""A channel moves under load: every request is answered by the old version or by the new one, and none is lost."""

from __future__ import annotations

import http.client
import json
import shutil
import threading
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from carpal.packages.repository import Repository, open_repository

from .conftest import until


@pytest.fixture
def repository(tiny_package: Path, tmp_path: Path) -> Repository:
    repository = open_repository(tmp_path / "models")
    for _ in range(2):
        repository.publish(tiny_package)
    repository.promote("tiny", "1")
    return repository


@contextmanager
def load(service: Any, body: bytes):
    """Two callers, one request after the other; gives the versions that answered, and what went wrong."""
    versions: list[str] = []
    lost: list[str] = []
    over = threading.Event()

    def call() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", service.http, timeout=60)
        while not over.is_set():
            try:
                connection.request("POST", "/v2/models/tiny/infer", body, {"Content-Type": "image/png"})
                answer = connection.getresponse()
                versions.append(json.loads(answer.read())["model"]["version"])
            except Exception as failure:
                lost.append(repr(failure))
                return

    threads = [threading.Thread(target=call) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield versions, lost
    finally:
        over.set()
        for thread in threads:
            thread.join(60)


def test_no_request_is_lost_whatever_happens_to_the_repository(
    serve: Callable[..., Any], repository: Repository, tmp_path: Path, grey_png: Callable[..., bytes]
):
    root = tmp_path / "models"
    options = ("--repository", str(root), "--engine", "emulated:5", "--reload-s", "0.05")
    service = serve("--model", "tiny@stable", *options)
    with load(service, grey_png()) as (versions, lost):
        until(lambda: len(versions) > 5)

        repository.promote("tiny", "2")
        until(lambda: "2" in versions)

        damaged = root / "tiny/1/model.onnx"
        repository.promote("tiny", "1")
        until(lambda: versions[-1] == "1")
        repository.promote("tiny", "2")
        until(lambda: versions[-1] == "2")
        damaged.chmod(0o644)
        damaged.write_bytes(damaged.read_bytes()[:-9])
        channels = root / "tiny/channels.json"
        flat = json.loads(channels.read_text())
        channels.write_text(json.dumps({"stable": "1"}))  # promote itself would refuse the damaged version
        until(lambda: "reload failed" in [event["event"] for event in service.events()])
        channels.write_text(json.dumps(flat))

        shutil.move(root, tmp_path / "away")
        until(lambda: [event["event"] for event in service.events()].count("reload failed") == 2)
        answered = len(versions)
        until(lambda: len(versions) > answered + 10)
        shutil.move(tmp_path / "away", root)
    assert lost == []
    assert versions[-1] == "2"
    assert 'carpal_reloads_total{model="tiny",outcome="package.digest-mismatch"} 1.0' in service.get("/metrics")
    assert 'version="2"} 1.0' in service.get("/metrics")
    assert service.get("/v2/health/ready")["ready"] is True
