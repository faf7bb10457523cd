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
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

LOOPBACK = "127.0.0.1"
NETWORK_NAMESPACE = 0x40000000
"""CLONE_NEWNET of sched.h."""

FIRST_PORT, LAST_PORT = 20443, 21442
"""Below the ports that kernels give to outgoing connections by themselves."""

BLOCK_BYTES = 1 << 16


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
    servers = [await asyncio.start_server(_passer(forward), sock=listener) for listener, forward in listeners]
    await asyncio.gather(*(server.serve_forever() for server in servers))


def _passer(forward: Forward) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner_reader, inner_writer = await asyncio.open_connection(forward.host, forward.inner_port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))
        for end in (inner_writer, writer):
            end.close()

    return handle


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Everything that one side says, then its end: the other may go on talking."""
    with suppress(OSError):
        while block := await reader.read(BLOCK_BYTES):
            writer.write(block)
            await writer.drain()
    with suppress(OSError):
        if writer.can_write_eof():
            writer.write_eof()


def main(arguments: Sequence[str]) -> int:
    """Open the ports, enter the namespace, pass on."""
    forwards = [Forward.parse(text) for text in arguments[1:]]
    listeners = [(socket.create_server((LOOPBACK, forward.port)), forward) for forward in forwards]
    enter_network(arguments[0])
    asyncio.run(serve(listeners))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
