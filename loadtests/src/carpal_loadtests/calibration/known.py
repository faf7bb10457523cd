"""The server of known truth, a process of its own: ``python -m carpal_loadtests.calibration.known BEHAVIOUR.json``.

It prints its port and serves HTTP/1.1 on loopback until its stdin ends. ``POST /v2/models/{model}/infer`` is answered
as the behaviour says, and written down. ``GET /seen`` gives all that was written down, ``DELETE /seen`` forgets it.

Truth is measured where it is made: a service time is what passed between the last byte of a request and the answer, as
this process saw it, however late its timers were.
"""

from __future__ import annotations

import asyncio
import hashlib
import resource
import sys
import time
from pathlib import Path

import orjson

from carpal_loadtests.calibration.behaviour import DRAWN, Behaviour, Seen, record_of
from carpal_loadtests.pulse import Pulse

# All that come due while everything stands still wait here for their connection.
BACKLOG = 4096
HEAD_END = b"\r\n\r\n"
LENGTH, ASKED, KIND = b"\r\ncontent-length:", b"\r\nx-request-id:", b"\r\ncontent-type:"
SHED = b"Retry-After: 1\r\n"
PLAIN = b"Content-Type: text/plain; version=0.0.4\r\n"

Reply = tuple[int, bytes, bytes]
"""Status, further header lines, body."""

ODD: dict[str, Reply] = {
    "garbage": (200, b"", b"<html>ok</html>"),
    "empty": (200, b"", b""),
    "other-model": (200, b"", record_of("another")),
    "shed": (429, SHED, b'{"error": "full", "code": "service.full"}'),
    "draining": (503, SHED, b'{"error": "draining", "code": "service.draining"}'),
    "bare-429": (429, b"", b'{"error": "full", "code": "service.full"}'),
    "bad-request": (400, b"", b'{"error": "no", "code": "request.invalid"}'),
    "broken": (500, b"", b"oops"),
    "other-image": (200, b"", record_of("known", "sha256:" + "1" * 64)),
}
NOT_HERE: Reply = (404, b"", b'{"error": "not here", "code": "request.not-found"}')


class Truth:
    """What the server was told, and what it did."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self._answers = {number: name for name, numbers in behaviour.answers.items() for number in numbers}
        self._service_s = behaviour.service_s().tolist()
        self._path = f"/v2/models/{behaviour.model}/infer".encode()
        self._records: dict[bytes, Reply] = {}
        self._leaked: list[bytes] = []
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self.pulse = Pulse(time.monotonic())
        self._index: list[int] = []
        self._at_s: list[float] = []
        self.sent_s: list[float] = []
        self._bytes: list[int] = []
        self._media_type: list[str] = []
        self._answer: list[str] = []

    def note(self, path: bytes, asked: bytes, media_type: bytes, size: int) -> tuple[int, str, float]:
        """Write a request down and stall if told to; gives its place, how it is answered, and when it arrived."""
        now = time.monotonic()
        place = len(self._index)
        index = int(asked.rpartition(b"-")[2]) if asked else -1
        kind = self._answers.get(index, "record") if path == self._path else "bad-request"
        self._index.append(index)
        self._at_s.append(now)
        self.sent_s.append(0.0)
        self._bytes.append(size)
        self._media_type.append(media_type.decode("latin-1"))
        self._answer.append(kind)
        if self.behaviour.leak_bytes:
            self._leaked.append(bytes([place % 255 + 1]) * self.behaviour.leak_bytes)
        if (index if index >= 0 else place) == self.behaviour.stall_at:
            time.sleep(self.behaviour.stall_s)  # it is meant to stop everything, as a long pause of a runtime would
        return place, kind, now

    def service_s(self, place: int) -> float:
        """How long the request at that place is kept."""
        index = self._index[place]
        kept_s: float = self._service_s[(index if index >= 0 else place) % DRAWN]
        return kept_s

    def reply(self, kind: str, body: bytes) -> Reply:
        """The answer to a body."""
        if kind in ODD:
            return ODD[kind]
        if body not in self._records:  # made once, because a body comes many times
            name = self.behaviour.package or self.behaviour.model
            record = record_of(name, f"sha256:{hashlib.sha256(body).hexdigest()}")
            self._records[body] = (200, b"Content-Type: application/json\r\n", record)
        return self._records[body]

    def describe(self, path: str) -> Reply:
        """Answer a GET."""
        told = self.behaviour
        if path == "/seen":
            return 200, b"", self.seen().to_json()
        if path == "/metrics" and told.leak_bytes is not None:
            text = f'# TYPE known_requests_total counter\nknown_requests_total{{code="200"}} {len(self._index)}\n'
            return 200, PLAIN, text.encode()
        if path == "/v2/health/ready":
            return (200 if told.ready else 503), b"", b"{}"
        if path == f"/v2/models/{told.model}":
            more = {"parameters": {"digest": told.digest}} if told.digest else {}
            return 200, b"", orjson.dumps({"name": told.model, "platform": "known", **more})
        if path == "/v1/models":
            return 200, b"", orjson.dumps({"models": [told.model] if told.models is None else told.models})
        return NOT_HERE

    def seen(self) -> Seen:
        """All that was written down."""
        return Seen(
            index=self._index,
            at_s=self._at_s,
            sent_s=self.sent_s,
            bytes=self._bytes,
            media_type=self._media_type,
            answer=self._answer,
            cpu_s=time.process_time(),
            pause_p99_ms=self.pulse.p99_ms,
        )


class Connection(asyncio.Protocol):
    """One connection, kept alive; of HTTP it knows what load generators send: bodies with their length."""

    def __init__(self, truth: Truth, loop: asyncio.AbstractEventLoop) -> None:
        self._truth = truth
        self._loop = loop
        self._buffer = bytearray()
        self._head_length = 0
        self._whole_length = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport is the way back."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take what came; a request is dealt with when its last byte is there."""
        self._buffer += data
        while self._buffer:
            if not self._whole_length:
                end = self._buffer.find(HEAD_END)
                if end < 0:
                    return
                self._head_length = end + len(HEAD_END)
                head = bytes(self._buffer[: self._head_length]).lower()
                self._whole_length = self._head_length + int(_value(head, LENGTH) or 0)
            if len(self._buffer) < self._whole_length:
                return
            head = bytes(self._buffer[: self._head_length])
            body = bytes(self._buffer[self._head_length : self._whole_length])
            del self._buffer[: self._whole_length]
            self._whole_length = 0
            self._take(head, body)

    def _take(self, head: bytes, body: bytes) -> None:
        method, path, _ = head.split(b" ", 2)
        if method == b"GET":
            self._write(self._truth.describe(path.decode("latin-1")))
        elif method == b"DELETE":
            self._truth.forget()
            self._write((200, b"", b"{}"))
        else:
            lower = head.lower()
            place, kind, at_s = self._truth.note(path, _value(lower, ASKED), _value(lower, KIND), len(body))
            if kind == "cut":
                self._transport.close()
            elif kind != "hang":
                self._answer_in(self._truth.service_s(place), place, self._truth.reply(kind, body), at_s)

    def _answer_in(self, kept_s: float, place: int, reply: Reply, at_s: float) -> None:
        if kept_s > 0:
            self._loop.call_at(at_s + kept_s, self._answer, place, reply)
        else:
            self._answer(place, reply)

    def _answer(self, place: int, reply: Reply) -> None:
        if place < len(self._truth.sent_s):  # or else it was forgotten
            self._truth.sent_s[place] = time.monotonic()
        self._write(reply)

    def _write(self, reply: Reply) -> None:
        status, more, body = reply
        self._transport.write(b"HTTP/1.1 %d Known\r\nContent-Length: %d\r\n%b\r\n%b" % (status, len(body), more, body))


def _value(head: bytes, name: bytes) -> bytes:
    """The value of a header line in a head in small letters; empty where there is none."""
    at = head.find(name)
    if at < 0:
        return b""
    begin = at + len(name)
    return head[begin : head.index(b"\r\n", begin)].strip()


async def listen(behaviour: Behaviour) -> tuple[asyncio.Server, int]:
    """Serve on a free port, which comes second, for as long as the loop runs or until the server is closed."""
    loop, truth = asyncio.get_running_loop(), Truth(behaviour)

    def beat() -> None:
        truth.pulse.beat(time.monotonic())
        loop.call_at(truth.pulse.due_s, beat)

    beat()
    server = await loop.create_server(lambda: Connection(truth, loop), "127.0.0.1", 0, backlog=BACKLOG)
    return server, server.sockets[0].getsockname()[1]


async def main(behaviour: Behaviour) -> None:
    """Serve until stdin ends."""
    server, port = await listen(behaviour)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(main(Behaviour.parse_json(Path(sys.argv[1]).read_bytes(), source=sys.argv[1])))
