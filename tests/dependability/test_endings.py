"""Processes that end, disks that are full and stores that go, all under load: who is lost is counted."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.integration.conftest import until

from carpal.packages.repository import open_repository

from .load import Load

TIMES = 20


def workers(service: Any) -> list[int]:
    children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children").read_text().split()
    return [int(pid) for pid in children]


def test_sigterm_twenty_times_under_load_loses_nothing(
    serve: Callable[..., Any], tiny_package: Path, grey_png: Callable[..., bytes], figure: Callable[[str], None]
):
    answered = 0
    for _ in range(TIMES):
        service = serve("--model", str(tiny_package), "--engine", "emulated:20", "--linger-s", "0.3")
        with Load(service.http, grey_png(), callers=4, leaves=True) as load:
            until(load.more(20))
            service.process.send_signal(signal.SIGTERM)
            assert service.wait() == 0
        assert load.lost == []
        assert set(load.statuses) <= {200, 503}
        answered += load.statuses[200]
    figure(f"{TIMES} ends, {answered} answered, 0 lost")


def test_a_killed_worker_loses_no_more_than_it_had_in_flight(
    serve: Callable[..., Any], tiny_package: Path, grey_png: Callable[..., bytes], figure: Callable[[str], None]
):
    """Four callers, so four at most are with the one that is killed."""
    service = serve("--model", str(tiny_package), "--engine", "emulated:20", "--workers", "2")
    kills, lost = 5, 0
    for _ in range(kills):
        with Load(service.http, grey_png(), callers=4) as load:
            until(load.more(40))
            victim = workers(service)[0]
            os.kill(victim, signal.SIGKILL)
            until(lambda victim=victim: victim not in workers(service) and len(workers(service)) == 2)
            until(load.more(40))
        assert set(load.statuses) == {200}
        assert len(load.lost) <= 4
        lost += len(load.lost)
        ready = [event["event"] for event in service.events()].count("ready")
        until(lambda ready=ready: [event["event"] for event in service.events()].count("ready") >= ready)
    figure(f"{kills} kills, {lost} lost, all of them in flight at the kill")


def test_a_store_that_comes_goes_and_is_damaged_loses_nothing(
    serve: Callable[..., Any],
    tiny_package: Path,
    grey_png: Callable[..., bytes],
    tmp_path: Path,
    figure: Callable[[str], None],
):
    root = tmp_path / "models"
    repository = open_repository(root)
    for _ in range(2):
        repository.publish(tiny_package)
    repository.promote("tiny", "1")
    options = ("--repository", str(root), "--engine", "emulated:5", "--reload-s", "0.05")
    service = serve("--model", "tiny@stable", *options)

    def said(event: str) -> int:
        return [one["event"] for one in service.events()].count(event)

    channels, damaged = root / "tiny/channels.json", root / "tiny/2/model.onnx"
    good = damaged.read_bytes()
    with Load(service.http, grey_png(), callers=4) as load:
        for number in range(10):
            repository.promote("tiny", "2")
            until(lambda number=number: said("reloaded") == 2 * number + 1)
            repository.promote("tiny", "1")
            until(lambda number=number: said("reloaded") == 2 * number + 2)
            failed = said("reload failed")
            damaged.chmod(0o644)
            damaged.write_bytes(good[: -9 - number])
            flat = channels.read_text()
            channels.write_text('{"stable": "2"}')  # promote itself would refuse the damaged version
            until(lambda failed=failed: said("reload failed") > failed)
            channels.write_text(flat)
            damaged.write_bytes(good)
            failed = said("reload failed")
            root.rename(tmp_path / "away")
            until(lambda failed=failed: said("reload failed") > failed)
            (tmp_path / "away").rename(root)
            until(load.more(10))
    figure(f"20 reloads, 20 refused, {load.statuses[200]} answered, 0 lost")
    assert load.lost == []
    assert set(load.statuses) == {200}


def test_a_full_disk_under_the_audit_trail_is_said_and_loses_nothing(
    serve: Callable[..., Any], tiny_package: Path, grey_png: Callable[..., bytes], figure: Callable[[str], None]
):
    service = serve("--model", str(tiny_package), "--engine", "emulated:1", "--audit", "/dev/full")
    with Load(service.http, grey_png(), callers=2) as load:
        until(load.more(200))
    figure(f"{load.statuses[200]} answered on a full disk, 0 lost")
    assert load.lost == []
    assert set(load.statuses) == {200}
    assert "audit not written" in [event["event"] for event in service.events()]
    assert "carpal_audit_lost_total" in service.get("/metrics")


@pytest.mark.skipif(os.geteuid() != 0, reason="a small file system of its own needs root")
def test_a_temporary_folder_that_fills_up_loses_nothing(
    serve: Callable[..., Any],
    tiny_package: Path,
    grey_png: Callable[..., bytes],
    figure: Callable[[str], None],
    monkeypatch: Any,
    tmp_path: Path,
):
    """The mount lives in a namespace that ends with the service."""
    small = tmp_path / "small"
    small.mkdir()
    monkeypatch.setenv("TMPDIR", str(small))
    inside = ("unshare", "--mount", "sh", "-c", f'mount -t tmpfs -o size=48m tmpfs {small} && exec "$@"', "sh")
    service = serve("--model", str(tiny_package), "--engine", "emulated:1", "--workers", "2", within=inside)
    root = Path(f"/proc/{service.process.pid}/root{small}")
    with suppress(OSError), (root / "filler").open("wb", buffering=0) as filler:
        while filler.write(bytes(4096)):
            pass
    with Load(service.http, grey_png(), callers=2) as load:
        # Refusals of many kinds, so that there is more to be counted than before.
        with httpx.Client(base_url=service.url, timeout=60) as client:
            traced = {"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"}
            for number in range(300):
                path = f"/v2/models/{'tiny' if number % 2 else 'none'}/infer"
                kind = ("image/png", "text/csv", "application/json")[number % 3]
                answer = client.post(path, content=b"x" * number, headers={"content-type": kind, **traced})
                assert 400 <= answer.status_code < 500
        until(load.more(500))
    figure(f"{load.statuses[200]} answered with a full temporary folder, {len(load.lost)} lost")
    assert load.lost == []
    assert set(load.statuses) == {200}
    assert "worker died" not in [event["event"] for event in service.events()]
