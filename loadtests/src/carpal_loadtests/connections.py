"""HTTP connections for greenlets: as many as there are requests on the way, each used by one at a time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from gevent import socket, ssl
from geventhttpclient.response import HTTPParseError, HTTPSocketResponse

from carpal_loadtests.wire import Reply, Request

# Servers close connections that idle (uvicorn after 5 s by default); one that is older is not trusted with a request.
IDLE_S = 4.0
BLOCK_BYTES = 65_536
# Above it, copying a body behind its head costs more than a second call of the kernel.
ONE_SEND_BYTES = 65_536


class NoAnswerError(Exception):
    """The target gave no answer at all; the message is the end of a ``transport.*`` code."""


class Transport(Protocol):
    """A way to the target, shared by all greenlets of a process."""

    def send(self, request: Request, headers: Mapping[str, str]) -> Reply:
        """Send one request once and read its whole answer.

        Raises:
            NoAnswerError: the connection could not be made, broke, or carried something else.
            TimeoutError: no whole answer in time.
        """

    def close(self) -> None:
        """Close every connection."""


class Connections:
    """Keeps idle connections to one target and opens more without limit: a request never waits for one to be free.

    The limit on requests at once is the scenario's ``max_in_flight``, where it is seen and counted. geventhttpclient
    reads the answers; its own pool would lend a turn to other greenlets before each request, and send again by itself
    what a broken connection swallowed, which nobody would count.
    """

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._secure = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._secure else 80)
        self._prefix = parts.path.rstrip("/")
        self._netloc = parts.netloc
        self._heads: dict[int, str] = {}
        self._idle: list[tuple[float, Any]] = []

    def send(self, request: Request, headers: Mapping[str, str]) -> Reply:
        """Send one request; see ``Transport``."""
        head, body = self._head(request, headers), request.body
        connection = None
        try:
            connection = self._take()
            if len(body) <= ONE_SEND_BYTES:
                connection.sendall(head + body)
            else:
                connection.sendall(head)
                connection.sendall(body)
            response = HTTPSocketResponse(connection, block_size=BLOCK_BYTES, method="POST")
            reply = Reply(
                response.status_code, {name.lower(): value for name, value in response.items()}, bytes(response.read())
            )
        except BaseException as failure:  # also a killed greenlet: the connection is in an unknown state
            if connection is not None:
                connection.close()
            if isinstance(failure, OSError | HTTPParseError) and not isinstance(failure, TimeoutError):
                raise NoAnswerError(type(failure).__name__) from failure
            raise
        if not response.should_close():
            self._idle.append((time.perf_counter(), connection))
        return reply

    def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            self._idle.pop()[1].close()

    def _head(self, request: Request, headers: Mapping[str, str]) -> bytes:
        """The head of a request; what is the same for each sending of it is put together once."""
        same = self._heads.get(id(request))
        if same is None:
            lines = {"Host": self._netloc, "Content-Length": str(len(request.body)), **request.headers}
            same = f"POST {self._prefix}{request.path} HTTP/1.1\r\n" + _lines(lines)
            self._heads[id(request)] = same
        return (same + _lines(headers) + "\r\n").encode("latin-1")

    def _take(self) -> Any:
        while self._idle:
            since, connection = self._idle.pop()
            if time.perf_counter() - since < IDLE_S and _is_quiet(connection):
                return connection
            connection.close()
        return self._connect()

    def _connect(self) -> Any:
        connection = socket.create_connection((self._host, self._port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self._secure:
            return connection
        return ssl.create_default_context().wrap_socket(connection, server_hostname=self._host)


def _lines(headers: Mapping[str, str]) -> str:
    return "".join([f"{name}: {value}\r\n" for name, value in headers.items()])


def _is_quiet(connection: Any) -> bool:
    """Whether nothing has come on an idle connection: an end, or an answer that nobody asked for."""
    connection.settimeout(0.0)
    try:
        connection.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        connection.settimeout(None)
        return True
    except OSError:
        return False
    return False
