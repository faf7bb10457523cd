"""Thousands of callers who hold connections, under load: nobody else notices, and all is given back."""

from __future__ import annotations

import resource
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.integration.conftest import until

from .load import INFER, Load

HEAD = f"POST {INFER} HTTP/1.1\r\nhost: x\r\ncontent-type: image/png\r\n".encode()
LIMITS = ("--header-timeout-s", "20", "--body-timeout-s", "5", "--max-body-bytes", "2000000", "--drain-s", "5")


@pytest.fixture(scope="module", autouse=True)
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="module")
def service(serve: Callable[..., Any], tiny_package: Path) -> Any:
    return serve("--model", str(tiny_package), "--engine", "emulated:5", *LIMITS)


def connect(service: Any, sent: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", service.http), timeout=60)
    connection.sendall(sent)
    return connection


def files(service: Any) -> int:
    return len(list(Path(f"/proc/{service.process.pid}/fd").iterdir()))


def resident_mib(service: Any) -> float:
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


@pytest.mark.parametrize(
    ("count", "sent"),
    [
        (10_000, b""),
        (2_000, b"POST / HTTP/1.1\r\nx: "),
        (2_000, HEAD + b"content-length: 1000\r\n\r\n\x89PNG"),
        (500, HEAD + b"transfer-encoding: chunked\r\n\r\n4\r\naaaa\r\n"),
    ],
    ids=["idle", "slow headers", "slow bodies", "chunks that stop"],
)
def test_connections_that_owe_something_hold_nobody_up(
    service: Any, grey_png: Callable[..., bytes], figure: Callable[[str], None], count: int, sent: bytes
):
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < count + 500:
        pytest.skip("this user may not open so many files")
    files_before, memory_before = files(service), resident_mib(service)
    with Load(service.http, grey_png(), callers=2) as load:
        until(load.more(50))
        held = [connect(service, sent) for _ in range(count)]
        until(load.more(200))
        memory = resident_mib(service)
        for one in held:
            one.close()
        until(lambda: files(service) <= files_before + 20)
    figure(
        f"{load.statuses[200]} answered beside {count}, p99 {load.p99_ms():.0f} ms; "
        f"{(memory - memory_before) * 1024 / count:.1f} KiB a connection"
    )
    assert set(load.statuses) == {200}
    assert load.lost == []
    assert memory - memory_before < 200


def test_half_closed_oversized_and_endless_bodies_hold_nobody_up(
    service: Any, grey_png: Callable[..., bytes], figure: Callable[[str], None]
):
    files_before, memory_before = files(service), resident_mib(service)
    with Load(service.http, grey_png(), callers=2) as load:
        until(load.more(50))
        for number in range(300):
            with connect(service) as caller:
                if number % 3 == 0:
                    caller.sendall(HEAD + b"content-length: 1000\r\n\r\nhalf")
                    caller.shutdown(socket.SHUT_WR)
                elif number % 3 == 1:
                    caller.sendall(HEAD + b"content-length: 2000001\r\n\r\n")
                    assert caller.recv(100).startswith(b"HTTP/1.1 413")
                else:
                    caller.sendall(HEAD + b"transfer-encoding: chunked\r\n\r\n")
                    with suppress(OSError):  # it is cut off while it sends
                        for _ in range(60):
                            caller.sendall(b"c350\r\n" + b"x" * 50_000 + b"\r\n")
                # Half of them leave with a reset.
                linger = struct.pack("ii", number % 2, 0)
                caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        until(load.more(50))
        until(lambda: files(service) <= files_before + 20)
    memory = resident_mib(service)
    figure(f"300 of them, {load.statuses[200]} answered, p99 {load.p99_ms():.0f} ms, {memory - memory_before:+.0f} MiB")
    assert set(load.statuses) == {200}
    assert load.lost == []
    assert memory - memory_before < 100
    assert 'code="500"' not in service.get("/metrics")
    assert "carpal_queue_bytes 0.0" in service.get("/metrics")
