"""The way in: ports on 127.0.0.1 of the machine, passed on into a cluster's network, which has no other way in or out.

Run as a process of its own: `python -m infra.cluster.gateway NAMESPACE PORT:HOST:PORT ...`. It opens its ports first
and enters the network namespace after: a socket stays in the namespace that it was made in.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

LOOPBACK = "127.0.0.1"
NETWORK_NAMESPACE = 0x40000000
"""CLONE_NEWNET of sched.h."""

FIRST_PORT, LAST_PORT = 20443, 21442
"""Below the ports that kernels give to outgoing connections by themselves."""

BLOCK_BYTES = 1 << 16
REST_S = 0.1
"""After a connection that could not be taken."""


@dataclass(frozen=True)
class Forward:
    """What comes to a port of the machine goes to an address inside."""

    port: int
    host: str
    inner_port: int

    def __str__(self) -> str:
        return f"{self.port}:{self.host}:{self.inner_port}"

    @classmethod
    def parse(cls, text: str) -> Forward:
        """From ``PORT:HOST:PORT``."""
        port, host, inner_port = text.split(":")
        return cls(int(port), host, int(inner_port))


def free_port(taken: Sequence[int]) -> int:
    """A port of the machine that nobody listens on and that is not among those given."""
    for port in range(FIRST_PORT, LAST_PORT + 1):
        if port not in taken:
            with socket.socket() as probe, suppress(OSError):
                probe.bind((LOOPBACK, port))
                return port
    raise OSError(f"no port from {FIRST_PORT} to {LAST_PORT} is free")


def enter_network(namespace: str) -> None:
    """Move this process into a network namespace, given by a file that holds it."""
    descriptor = os.open(namespace, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(descriptor, NETWORK_NAMESPACE):
            raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")
    finally:
        os.close(descriptor)


async def serve(listeners: Sequence[tuple[socket.socket, Forward]]) -> None:
    """Pass connections on until cancelled."""
    async with asyncio.TaskGroup() as group:
        for listener, forward in listeners:
            listener.setblocking(False)
            group.create_task(_accept(listener, forward, group))


async def _accept(listener: socket.socket, forward: Forward, group: asyncio.TaskGroup) -> None:
    loop = asyncio.get_running_loop()
    while True:
        try:
            outer, _ = await loop.sock_accept(listener)
        except OSError:  # no descriptor is left, or the caller is gone already
            await asyncio.sleep(REST_S)
            continue
        group.create_task(_pass(outer, forward))


async def _pass(outer: socket.socket, forward: Forward) -> None:
    loop = asyncio.get_running_loop()
    with outer, socket.socket() as inner:
        outer.setblocking(False)
        inner.setblocking(False)
        with suppress(OSError):
            await loop.sock_connect(inner, (forward.host, forward.inner_port))
            await asyncio.gather(_question(outer, inner), _copy(inner, outer))


async def _question(caller: socket.socket, server: socket.socket) -> None:
    """All that the caller says, to its end, whether the server still listens or not.

    A server that refuses a request may answer before it has read all of it; the caller hears that when it has said all.
    """
    await _copy(caller, server)
    loop = asyncio.get_running_loop()
    with suppress(OSError):
        while await loop.sock_recv(caller, BLOCK_BYTES):
            pass


async def _copy(source: socket.socket, sink: socket.socket) -> None:
    """Everything that one side says, then its end: the other may go on talking.

    Sockets and not streams: a stream that cannot send drops what it has received.
    """
    loop = asyncio.get_running_loop()
    with suppress(OSError):
        while block := await loop.sock_recv(source, BLOCK_BYTES):
            await loop.sock_sendall(sink, block)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def main(arguments: Sequence[str]) -> int:
    """Open the ports, enter the namespace, pass on."""
    forwards = [Forward.parse(text) for text in arguments[1:]]
    listeners = [(socket.create_server((LOOPBACK, forward.port)), forward) for forward in forwards]
    enter_network(arguments[0])
    asyncio.run(serve(listeners))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
