"""Connections of the load generator: how long they are kept, what they read at most, and whose fault a failure is."""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from carpal_loadtests import connections
from carpal_loadtests.connections import MAX_ANSWER_BYTES, Connections, NoAnswerError
from carpal_loadtests.wire import Request

REQUEST = Request("/v2/models/tiny/infer", b"{}", {"Content-Type": "application/json"})


class Handler(BaseHTTPRequestHandler):
    """Responds with as many bytes as the server was given, and keeps the connection."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """One response; its client is noted."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.clients.append(self.client_address)
        self.send_response(200)
        self.send_header("Content-Length", str(self.server.answer_bytes))
        self.end_headers()
        self.wfile.write(bytes(self.server.answer_bytes))

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    """A server on loopback with ``answer_bytes`` to set and the ``clients`` of its requests."""
    serving = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving.answer_bytes, serving.clients = 2, []
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    yield serving
    serving.shutdown()
    serving.server_close()


@pytest.fixture
def transport(server: ThreadingHTTPServer) -> Iterator[Connections]:
    """A transport to that server."""
    made = Connections(f"http://127.0.0.1:{server.server_address[1]}")
    yield made
    made.close()


def test_a_connection_is_used_again(server: ThreadingHTTPServer, transport: Connections) -> None:
    assert [transport.send(REQUEST, {}).status for _ in range(3)] == [200] * 3
    assert len(set(server.clients)) == 1


def test_a_connection_that_is_too_old_is_not_used_again(
    server: ThreadingHTTPServer, transport: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MAX_AGE_S", 0.0)
    assert [transport.send(REQUEST, {}).status for _ in range(3)] == [200] * 3
    assert len(set(server.clients)) == 3


def test_an_answer_up_to_the_limit_is_read_and_a_larger_one_is_none(
    server: ThreadingHTTPServer, transport: Connections
) -> None:
    server.answer_bytes = MAX_ANSWER_BYTES - 1000  # its head counts too
    assert len(transport.send(REQUEST, {}).body) == server.answer_bytes
    server.answer_bytes = MAX_ANSWER_BYTES + 1
    with pytest.raises(NoAnswerError, match="AnswerTooLargeError"):
        transport.send(REQUEST, {})
    server.answer_bytes = 2
    assert transport.send(REQUEST, {}).body == bytes(2)  # on another connection


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EMFILE, "generator-emfile"),
        (errno.ENFILE, "generator-enfile"),
        (errno.EADDRNOTAVAIL, "generator-eaddrnotavail"),
        (errno.ENOBUFS, "generator-enobufs"),
        (errno.ECONNREFUSED, "ConnectionRefusedError"),
        (errno.EHOSTUNREACH, "OSError"),
    ],
)
def test_what_this_machine_lacks_is_told_from_what_the_target_refuses(
    transport: Connections, monkeypatch: pytest.MonkeyPatch, number: int, said: str
) -> None:
    def fail(_: object) -> None:
        raise OSError(number, "no connection")

    monkeypatch.setattr(connections.socket, "create_connection", fail)
    with pytest.raises(NoAnswerError, match=f"^{said}$"):
        transport.send(REQUEST, {})
