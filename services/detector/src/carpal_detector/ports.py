"""The ports of a service: taken before anything slow happens, shared by workers, told in a file once they answer."""

from __future__ import annotations

import json
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from carpal_detector.settings import Settings
from carpal_detector.sockets import expect_free, listen, port_of, reserve


@dataclass(frozen=True)
class Ports:
    """What a process listens on.

    Attributes:
        http: listens already; several workers may accept from it.
        host: address of gRPC.
        grpc: port of gRPC; 0 for a free one.
        shared: whether other workers listen on the same gRPC port.
    """

    http: socket.socket
    host: str
    grpc: int
    shared: bool = False

    def told(self, grpc: int, pid: int) -> dict[str, int]:
        """As the file and the log say them."""
        return {"http": port_of(self.http), "grpc": grpc, "pid": pid}


@contextmanager
def own_ports(settings: Settings) -> Iterator[Ports]:
    """The ports of a single process.

    Raises:
        PortInUseError, CannotBindError: one cannot be had.
    """
    with listen(settings.host, settings.port, option="--port") as http:
        expect_free(settings.host, settings.grpc_port, option="--grpc-port")
        yield Ports(http, settings.host, settings.grpc_port)


@contextmanager
def shared_ports(settings: Settings) -> Iterator[Ports]:
    """Ports for several workers: one socket that all of them accept from, and a gRPC port that the kernel shares out.

    Raises:
        PortInUseError, CannotBindError: one cannot be had.
    """
    with listen(settings.host, settings.port, option="--port") as http:
        expect_free(settings.host, settings.grpc_port, option="--grpc-port")
        with reserve(settings.host, settings.grpc_port) as held:
            yield Ports(http, settings.host, port_of(held), shared=True)


@contextmanager
def absent(port_file: Path | None) -> Iterator[None]:
    """The file with the ports exists only while they answer."""
    if port_file is None:
        yield
        return
    port_file.unlink(missing_ok=True)
    try:
        yield
    finally:
        port_file.unlink(missing_ok=True)


def write(path: Path, told: dict[str, int]) -> None:
    """Write the file whole or not at all."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        json.dump(told, file)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(path)
