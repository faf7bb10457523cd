"""Real processes of ``carpal serve`` on free ports, each ended by the test that started it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

CARPAL = str(Path(sys.executable).parent / "carpal")
PATIENCE_S = 60.0


@dataclass
class Running:
    """A process that is ready.

    Attributes:
        process: to signal and to wait for.
        http: REST port.
        grpc: gRPC port.
        port_file: where it wrote them.
        log: where its log lies.
    """

    process: subprocess.Popen[bytes]
    http: int
    grpc: int
    port_file: Path
    log: Path

    @property
    def url(self) -> str:
        """Of REST."""
        return f"http://127.0.0.1:{self.http}"

    def get(self, path: str) -> Any:
        """A JSON document, or text where it is none."""
        with urllib.request.urlopen(self.url + path, timeout=PATIENCE_S) as answer:
            body = answer.read().decode()
        return json.loads(body) if body.startswith(("{", "[")) else body

    def events(self) -> list[dict[str, Any]]:
        """What it has logged."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        return self.process.wait(PATIENCE_S)


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Running]]:
    """``serve("--model", ...)``: starts a service and comes back when it is ready."""
    with contextlib.ExitStack() as processes:

        def start(*options: str) -> Running:
            folder = tmp_path_factory.mktemp("service")
            ports, log = folder / "ports.json", folder / "log"
            command = [CARPAL, "serve", "--port", "0", "--grpc-port", "0", "--port-file", str(ports), *options]
            with log.open("wb") as stream:
                process = subprocess.Popen(command, stderr=stream, stdout=stream)
            processes.callback(stop, process)
            until(lambda: ports.exists() or process.poll() is not None)
            assert ports.exists(), log.read_text()
            told = json.loads(ports.read_text())
            return Running(process, told["http"], told["grpc"], ports, log)

        yield start


@pytest.fixture(scope="session")
def tiny_service(serve: Callable[..., Running], tiny_package: Path) -> Running:
    """The tiny package, for tests that only ask."""
    return serve("--model", str(tiny_package))


def until(true: Callable[[], Any]) -> None:
    """Look every few milliseconds until something is true."""
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process that a test has left running."""
    if process.poll() is None:
        process.kill()
    process.wait()
