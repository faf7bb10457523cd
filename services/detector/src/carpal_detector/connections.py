"""Connections of callers who send slowly, endlessly or nonsense: each holds little, and none for ever.

uvicorn times out idle connections between two requests; here the time until the headers of a request are complete has
a bound too, their size, the number of connections, and the time in which a body may go on that was refused unread.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import httptools
import orjson
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from carpal.errors import CarpalError
from carpal_detector.bodies import ARRIVED
from carpal_detector.envelope import RequestIds, document
from carpal_detector.errors import MalformedError

MOST_HEADER_BYTES = 64 * 1024
# How long a body may go on whose request has been answered: long enough for the caller to read the answer first.
LINGER_S = 2.0
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"  # the caller sends its body only after it
# Bytes of a body that wait for the application before reading pauses; uvicorn's 64 KiB would pause for most images.
MOST_UNREAD_BYTES = 512 * 1024


@dataclass(frozen=True)
class ConnectionLimits:
    """Bounds on what callers may hold.

    Attributes:
        header_timeout_s: from the first byte of a request, or from connecting, to the end of its headers.
        connections: open at once; the next one is closed as soon as it is accepted.
    """

    header_timeout_s: float
    connections: int


class Whole:
    """A transport that holds the head of an answer back until its body comes: one write, and one packet, less."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        """Write it, or hold it back where it is a head."""
        if not self._head and data.startswith(b"HTTP/1.1 ") and data != CONTINUE:
            self._head = data
        elif self._head:
            self._transport.write(self._head + data)
            self._head = b""
        else:
            self._transport.write(data)

    def flush(self) -> None:
        """Write a head that no body follows: the answer to HEAD has none."""
        if self._head:
            self._transport.write(self._head)
            self._head = b""

    def close(self) -> None:
        """Write what is held back, and close."""
        self.flush()
        self._transport.close()


class Connection(HttpToolsProtocol):
    """One connection, with a clock that runs whenever the caller owes something."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        limits: ConnectionLimits,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = limits
        self._clock: asyncio.TimerHandle | None = None
        self._header_bytes: int | None = None  # None outside of headers

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Somebody connects."""
        super().connection_made(transport)
        self._whole = Whole(transport)
        if len(self.connections) > self._limits.connections:
            transport.abort()
        else:
            self._start(self._limits.header_timeout_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Somebody has gone."""
        self._stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        self._unset_keepalive_if_required()
        self._parse(data)
        if self._header_bytes is not None:
            if self._clock is None:
                self._start(self._limits.header_timeout_s)
            self._header_bytes += len(data)
            if self._header_bytes > MOST_HEADER_BYTES and not self.transport.is_closing():
                self.send_400_response(f"The headers have more than {MOST_HEADER_BYTES} bytes")
        elif self._clock is None and self.timeout_keep_alive_task is None and self._answered():
            self._start(self._limits.header_timeout_s)  # bytes that begin no request end the time of being idle

    def _parse(self, data: bytes) -> None:
        """Feed the parser. Each request that offers another protocol stops it, and is parsed again without the offer.

        A loop, not a recursion: one packet can contain thousands of such requests.
        """
        rest: bytes | memoryview = data
        try:
            while (stop := self._fed(rest)) is not None:
                if not self._upgrade_is_asked_for():  # CONNECT: what follows is no HTTP
                    self.send_400_response("Invalid HTTP request received.")
                    return
                rest = memoryview(rest)[stop:]
                self._go_on_in_http_1()
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")

    def _fed(self, data: bytes | memoryview) -> int | None:
        """Feed the parser; return where in the data it stopped because of an upgrade, or None."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return int(upgrade.args[0])
        return None

    def _upgrade_is_asked_for(self) -> bool:
        """Whether the headers ask for another protocol, such as h2c (curl --http2, Java's HttpClient) or websocket.

        A server may ignore that (RFC 9110, 7.8), and this one does. The parser cannot: it takes the request for ended.
        """
        return bool(self.parser.should_upgrade()) and self.parser.get_method() != b"CONNECT"

    def _go_on_in_http_1(self) -> None:
        """Parse the head of the request again without the headers that ask for an upgrade; its body follows."""
        dropped = (b"upgrade", b"connection", b"http2-settings")
        kept = [b"%s: %s\r\n" % (name, value) for name, value in self.headers if name not in dropped]
        options = [word.strip() for name, value in self.headers if name == b"connection" for word in value.split(b",")]
        left = [word for word in options if word.lower() not in dropped]
        if left:
            kept.append(b"connection: %s\r\n" % b", ".join(left))
        version = self.parser.get_http_version().encode()
        first = b"%s %s HTTP/%s\r\n" % (self.parser.get_method(), self.url, version)
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own parser
        self.parser.feed_data(b"".join([first, *kept, b"\r\n"]))

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._header_bytes = 0  # its clock starts where the headers do not come at once
        self._stop()

    def on_headers_complete(self) -> None:
        """Now the application has its turn, with bounds of its own."""
        self._header_bytes = None
        self._stop()
        if self._upgrade_is_asked_for():
            return  # the request comes again without that
        super().on_headers_complete()
        self.cycle.transport = self._whole  # type: ignore[assignment]  # all that a cycle asks of its transport

    def on_body(self, body: bytes) -> None:
        """A part of a body; one that was answered unread is let run on for a while."""
        cycle = self.cycle
        if cycle.response_complete:
            if self._clock is None:
                self._start(LINGER_S)
            return
        cycle.body += body
        if len(cycle.body) > MOST_UNREAD_BYTES:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        """The request has arrived; where it was answered before, the connection is idle only now."""
        self._stop()
        if self._upgrade_is_asked_for():
            return
        self.scope[ARRIVED] = True  # type: ignore[literal-required]  # the application, which has not begun, looks there
        super().on_message_complete()
        if self.cycle.response_complete and not self.pipeline:
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def on_response_complete(self) -> None:
        """An answer is whole."""
        self._whole.flush()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """The one shape of an error for what is not even a request; then the connection is closed."""
        failure: CarpalError = MalformedError(msg, "The service speaks HTTP/1.1.", "Use an HTTP client.")
        body = orjson.dumps(document(failure, RequestIds().of(None)))
        head = (
            "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _start(self, seconds: float) -> None:
        self._stop()
        self._clock = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def _stop(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None
