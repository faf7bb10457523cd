"""Real processes: ``carpal serve`` on free ports, each ended by the test that started it, and commands to be killed."""

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
MORTAL = """
import json, os, signal, sys, time
import carpal.cli, carpal.packages.cli, carpal.packages.directory, carpal_training.data.importing, rich.console

def die_at(step, root):
    seen = 0
    def hook(event, arguments):
        nonlocal seen
        touched = [a for a in arguments if isinstance(a, (str, os.PathLike)) and os.fspath(a).startswith(root)]
        if touched and event.split(".")[0] in ("open", "os", "shutil"):
            if seen == step:
                os.kill(os.getpid(), signal.SIGKILL)
            seen += 1
    sys.addaudithook(hook)

for line in sys.stdin:
    task = json.loads(line)
    ready, announce = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_RDWR), 1), os.dup2(announce, 2)
        if task["step"] is not None:
            die_at(task["step"], task["root"])
        os._exit(carpal.cli.run(task["words"]))
    os.close(announce)
    os.read(ready, 1)  # its first word, or its end
    start = time.perf_counter()
    if task["delay_s"] is not None:
        time.sleep(task["delay_s"])
        os.kill(child, signal.SIGKILL)  # where it has ended, it is still waited for: the number is not another's
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), time.perf_counter() - start, flush=True)
    os.close(ready)
"""


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
    """``serve("--model", ..., within=...)``: starts a service, by way of a command, and comes back when it is ready."""
    with contextlib.ExitStack() as processes:

        def start(*options: str, within: tuple[str, ...] = ()) -> Running:
            folder = tmp_path_factory.mktemp("service")
            ports, log = folder / "ports.json", folder / "log"
            command = [*within, CARPAL, "serve", "--port", "0", "--grpc-port", "0", "--port-file", str(ports), *options]
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


@pytest.fixture(scope="module")
def mortal() -> Iterator[Callable[..., tuple[int, float]]]:
    """``mortal(words, root, step=…, delay_s=…)``: a command in a fork of a process that has everything imported.

    It is killed before one of its steps on files below a root, or so long after its first word. Gives its exit code
    (negative: a signal) and the seconds from its first word.
    """
    process = subprocess.Popen([sys.executable, "-c", MORTAL], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None

    def run(
        words: list[str], root: Path, *, step: int | None = None, delay_s: float | None = None
    ) -> tuple[int, float]:
        task = {"words": words, "root": str(root), "step": step, "delay_s": delay_s}
        process.stdin.write(json.dumps(task).encode() + b"\n")
        process.stdin.flush()
        code, seconds = process.stdout.readline().split()
        return int(code), float(seconds)

    yield run
    process.stdin.close()
    process.wait(timeout=30)


def until(true: Callable[[], Any], patience_s: float = PATIENCE_S) -> None:
    """Look every few milliseconds until something is true."""
    end = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process that a test has left running."""
    if process.poll() is None:
        process.kill()
    process.wait()
