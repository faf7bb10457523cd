"""Transformer mode: ``carpal serve`` before a bare network in KServe's own server, over REST and over gRPC."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from .conftest import Running, stop, until

NETWORK = Path(__file__).parent / "clients" / "kserve_network.py"
ROUTE = "/v2/models/tiny/infer"


def free_ports() -> list[int]:
    sockets = [socket.socket() for _ in range(2)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Network:
    """The other server; it can be slow, killed and started again."""

    def __init__(self, package: Path, folder: Path) -> None:
        self.slow = folder / "slow"
        self.http, self.grpc = free_ports()
        self._log = folder / "log"
        self._command = [sys.executable, str(NETWORK), str(package / "model.onnx"), "tiny"]
        self._command += [str(self.http), str(self.grpc), str(self.slow)]
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as stream:
            self._process = subprocess.Popen(self._command, stdout=stream, stderr=stream)
        until(self._ready)

    def kill(self) -> None:
        stop(self._process)

    def _ready(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        try:
            return httpx.get(f"http://127.0.0.1:{self.http}/v2/models/tiny/ready", timeout=60).status_code == 200
        except httpx.TransportError:
            return False


@pytest.fixture(scope="module")
def network(tiny_package: Path, tmp_path_factory: pytest.TempPathFactory):
    network = Network(tiny_package, tmp_path_factory.mktemp("network"))
    yield network
    network.kill()


@pytest.fixture(scope="module")
def transformers(serve: Callable[..., Running], network: Network, tiny_package: Path) -> dict[str, Running]:
    """As KServe starts one: the predictor's host, and what it speaks; and by an address."""
    known = ["--model", str(tiny_package)]
    host, limit = f"127.0.0.1:{network.grpc}", ["--predictor_request_timeout_seconds", "90"]
    return {
        "http": serve(*known, "--engine", f"remote:http://127.0.0.1:{network.http}/tiny"),
        "grpc": serve(*known, "--predictor_host", host, "--predictor_protocol", "grpc-v2", *limit),
    }


@pytest.fixture(params=["http", "grpc"])
def transformer(request: Any, transformers: dict[str, Running]) -> Running:
    return transformers[request.param]


def ask(service: Running, png: bytes, **headers: str) -> httpx.Response:
    content = {"content-type": "image/png", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return httpx.post(service.url + ROUTE, content=png, headers=content, timeout=60)


def without_times(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in ("timings", "model")}


def test_the_record_is_the_one_of_the_network_at_hand(
    transformer: Running, tiny_service: Running, grey_png: Callable[..., bytes]
):
    for seed in range(3):
        ours, local = (ask(one, grey_png(seed=seed)).json() for one in (transformer, tiny_service))
        assert without_times(ours) == without_times(local)
        assert (ours["model"]["engine"], ours["model"]["precision"]) == ("remote", "unknown")
        assert ours["model"]["engine_version"].startswith("kserve ")


def test_metadata_say_that_another_server_computes(transformer: Running):
    said = transformer.get("/v2/models/tiny")["parameters"]
    assert (said["engine"], said["device"], said["emulated"]) == ("remote", "remote", False)


def test_prepared_pixels_go_through_as_well(transformer: Running):
    pixels = {"name": "pixels", "datatype": "UINT8", "shape": [1, 1, 64, 64], "data": [200] * 4096}
    answer = httpx.post(transformer.url + ROUTE, json={"inputs": [pixels], "outputs": [{"name": "counts"}]}, timeout=60)
    assert answer.json()["outputs"][0]["data"] == [64]


def test_an_answer_after_the_callers_deadline_is_504(
    transformer: Running, network: Network, grey_png: Callable[..., bytes]
):
    network.slow.touch()
    try:
        late = ask(transformer, grey_png(), x_request_deadline_ms="300")
    finally:
        network.slow.unlink()
    assert (late.status_code, late.json()["code"]) in ((504, "engine.remote-late"), (504, "request.deadline"))


def test_a_server_that_is_gone_is_503_and_used_again_once_it_is_back(
    transformers: dict[str, Running], network: Network, grey_png: Callable[..., bytes]
):
    network.kill()
    for one in transformers.values():
        gone = ask(one, grey_png())
        assert (gone.status_code, gone.json()["code"]) == (503, "engine.remote-unreachable")
    network.start()
    for one in transformers.values():
        until(lambda: ask(one, grey_png()).status_code == 200)  # noqa: B023  # called at once
