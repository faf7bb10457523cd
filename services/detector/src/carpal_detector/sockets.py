"""Listening sockets, taken before anything slow happens, so that a taken port is known at once."""

from __future__ import annotations

import errno
import socket

from carpal_detector.errors import CannotBindError, PortInUseError

BACKLOG = 2048


def listen(host: str, port: int, *, option: str) -> socket.socket:
    """A socket that listens; callers queue on it until somebody accepts.

    Args:
        host: address or name.
        port: 0 for a free one.
        option: the command-line option that chose the port, for the message.

    Raises:
        PortInUseError: another process has it.
        CannotBindError: the address is not one of this machine, or the port is not allowed.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError as failure:
        raise CannotBindError(
            f"{host!r} is no address", str(failure), "Give --host an address of this machine."
        ) from failure
    server = socket.socket(family, socket.SOCK_STREAM)
    try:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(address)
        # Only listening claims the port: two sockets may both be bound to it with SO_REUSEADDR.
        server.listen(BACKLOG)
    except OSError as failure:
        server.close()
        if failure.errno == errno.EADDRINUSE:
            raise PortInUseError(
                f"Port {port} on {host} is in use",
                "Another process listens on it.",
                f"End that process, or choose another port with {option} (0 takes a free one).",
            ) from failure
        raise CannotBindError(
            f"{host}:{port} cannot be listened on",
            failure.strerror or str(failure),
            f"Choose another --host or {option}.",
        ) from failure
    server.setblocking(False)
    return server


def reserve(host: str, port: int) -> socket.socket:
    """Hold a port without listening, so that several workers may listen on it (SO_REUSEPORT); 0 takes a free one."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    held = socket.socket(family, socket.SOCK_STREAM)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    held.bind(address)
    return held


def port_of(server: socket.socket) -> int:
    """The port that a socket listens on."""
    return int(server.getsockname()[1])


def expect_free(host: str, port: int, *, option: str) -> None:
    """Refuse a taken port in our own words, before a library does so in its own; raises as ``listen``."""
    if port:
        listen(host, port, option=option).close()
