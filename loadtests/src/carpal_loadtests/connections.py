"""HTTP connections for greenlets: as many as there are requests on the way, each used by one at a time."""

from __future__ import annotations

import errno
import time
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from gevent import socket, ssl
from geventhttpclient.response import HTTPParseError, HTTPSocketResponse

from carpal_loadtests.answers import OWN_LIMIT
from carpal_loadtests.wire import Reply, Request

# Servers close connections that idle (uvicorn after 5 s by default); one that is older is not trusted with a request.
IDLE_S = 4.0
# A Service of Kubernetes chooses a pod per connection: connections that never end would hide replicas that come later.
MAX_AGE_S = 30.0
# A record has some kilobytes. Without a limit one endless answer takes all memory of the generator before it times out.
MAX_ANSWER_BYTES = 8 * 1024 * 1024
# This machine has no file descriptor, port or buffer left for another connection: the target was not asked.
EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM})
BLOCK_BYTES = 65_536
# Above it, copying a body behind its head costs more than a second call of the kernel.
ONE_SEND_BYTES = 65_536


class NoAnswerError(Exception):
    """The target gave no answer at all; the message is the end of a ``transport.*`` code."""


class AnswerTooLargeError(Exception):
    """An answer of more than ``MAX_ANSWER_BYTES``."""


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
        self._idle: list[tuple[float, float, Any]] = []
        """When a connection became idle, when it was made, and the connection."""

    def send(self, request: Request, headers: Mapping[str, str]) -> Reply:
        """Send one request; see ``Transport``."""
        head, body = self._head(request, headers), request.body
        connection = None
        try:
            made, connection = self._take()
            if len(body) <= ONE_SEND_BYTES:
                connection.sendall(head + body)
            else:
                connection.sendall(head)
                connection.sendall(body)
            response = _Answer(connection, block_size=BLOCK_BYTES, method="POST")
            reply = Reply(
                response.status_code, {name.lower(): value for name, value in response.items()}, bytes(response.read())
            )
        except BaseException as failure:  # also a killed greenlet: the connection is in an unknown state
            if connection is not None:
                connection.close()
            if isinstance(failure, OSError) and failure.errno in EXHAUSTED:
                raise NoAnswerError(f"{OWN_LIMIT}{errno.errorcode[failure.errno].lower()}") from failure
            no_answer = isinstance(failure, OSError | HTTPParseError | AnswerTooLargeError)
            if no_answer and not isinstance(failure, TimeoutError):
                raise NoAnswerError(type(failure).__name__) from failure
            raise
        now = time.perf_counter()
        if response.should_close() or now - made > MAX_AGE_S:
            connection.close()
        else:
            self._idle.append((now, made, connection))
        return reply

    def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            self._idle.pop()[-1].close()

    def _head(self, request: Request, headers: Mapping[str, str]) -> bytes:
        """The head of a request; what is the same for each sending of it is put together once."""
        same = self._heads.get(id(request))
        if same is None:
            lines = {"Host": self._netloc, "Content-Length": str(len(request.body)), **request.headers}
            same = f"POST {self._prefix}{request.path} HTTP/1.1\r\n" + _lines(lines)
            self._heads[id(request)] = same
        return (same + _lines(headers) + "\r\n").encode("latin-1")

    def _take(self) -> tuple[float, Any]:
        """When a connection was made, and the connection."""
        while self._idle:
            since, made, connection = self._idle.pop()
            if time.perf_counter() - since < IDLE_S and _is_quiet(connection):
                return made, connection
            connection.close()
        return time.perf_counter(), self._connect()

    def _connect(self) -> Any:
        connection = socket.create_connection((self._host, self._port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self._secure:
            return connection
        return ssl.create_default_context().wrap_socket(connection, server_hostname=self._host)


class _Answer(HTTPSocketResponse):
    """An answer whose head and body together are bounded."""

    _fed = 0

    def feed(self, data: str | bytes) -> None:
        """Parse what has been read.

        Raises:
            AnswerTooLargeError: it is larger than a record can be.
        """
        self._fed += len(data)
        if self._fed > MAX_ANSWER_BYTES:
            raise AnswerTooLargeError
        super().feed(data)


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
