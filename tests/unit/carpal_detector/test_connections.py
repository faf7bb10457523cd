"""Callers who send slowly, endlessly or nonsense, on real sockets."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
import uvicorn

from carpal_detector import connections
from carpal_detector.connections import MOST_HEADER_BYTES, Connection, ConnectionLimits

REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers at once, whatever comes after the headers."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
def application(request: pytest.FixtureRequest) -> Any:
    """What answers; tests choose another with ``indirect``."""
    return getattr(request, "param", app)


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch, application: Any) -> AsyncIterator[int]:
    """Of a server that waits a fifth of a second for headers and holds three connections."""
    monkeypatch.setattr(connections, "LINGER_S", 0.2)
    limits = ConnectionLimits(header_timeout_s=0.2, connections=3)
    http = partial(Connection, limits=limits)
    config = uvicorn.Config(application, http=http, lifespan="off", log_config=None, port=0)
    config.load()
    state = uvicorn.server.ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: config.http_protocol_class(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    yield server.sockets[0].getsockname()[1]
    server.close()


async def connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port)


async def closed(reader: asyncio.StreamReader) -> bytes:
    """What still came before the other side closed."""
    async with asyncio.timeout(20):
        try:
            return await reader.read()
        except ConnectionError:
            return b""


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, piece: bytes) -> None:
    """Send a piece again and again until the other side closes."""
    ending = asyncio.create_task(closed(reader))
    with suppress(ConnectionError):
        while not ending.done():
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.02)
    await ending


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nhost: x\r\n", b"\r\n"])
async def test_headers_that_do_not_come_close_the_connection(port: int, sent: bytes):
    reader, writer = await connect(port)
    writer.write(sent)
    assert await closed(reader) == b""


async def test_a_second_request_has_no_more_time_than_the_first(port: int):
    reader, writer = await connect(port)
    writer.write(REQUEST)
    assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
    writer.write(b"GET / HTTP/1.1\r\nho")
    assert await closed(reader) == b""


async def test_blank_lines_do_not_keep_a_connection(port: int):
    reader, writer = await connect(port)
    writer.write(REQUEST)
    await reader.readuntil(b"ok")
    writer.write(b"\r\n")
    assert await closed(reader) == b""


async def test_drops_of_a_header_do_not_win_time(port: int):
    reader, writer = await connect(port)
    writer.write(b"GET / HTTP/1.1\r\nx: ")
    begun = time.monotonic()
    await drip(reader, writer, b"y")
    assert time.monotonic() - begun < 10


async def test_headers_without_end_are_refused_in_the_one_shape(port: int):
    reader, writer = await connect(port)
    writer.write(b"GET / HTTP/1.1\r\n" + b"x: " + b"y" * (MOST_HEADER_BYTES + 1))
    head, _, body = (await closed(reader)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400")
    assert json.loads(body)["code"] == "request.malformed"


@pytest.mark.parametrize("nonsense", [b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"])
async def test_what_is_no_request_is_told_so_in_the_one_shape(port: int, nonsense: bytes):
    reader, writer = await connect(port)
    writer.write(nonsense)
    answer = await closed(reader)
    assert set(json.loads(answer.partition(b"\r\n\r\n")[2])) == {"error", "code", "reason", "remedy", "request_id"}


async def test_a_body_that_goes_on_after_the_answer_is_cut_off(port: int):
    reader, writer = await connect(port)
    writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
    assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
    begun = time.monotonic()
    await drip(reader, writer, b"4\r\naaaa\r\n")
    assert time.monotonic() - begun < 10


async def test_a_body_that_ends_soon_after_the_answer_leaves_the_connection(port: int):
    reader, writer = await connect(port)
    for _ in range(2):
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n")
        await reader.readuntil(b"ok")
        writer.write(b"aaaa")
    await asyncio.sleep(0.3)
    writer.write(REQUEST)
    assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_one_connection_too_many_is_closed_and_the_others_are_not(port: int):
    held = [await connect(port) for _ in range(3)]
    reader, _ = await connect(port)
    with suppress(ConnectionResetError):  # it is aborted, which a caller sees as an end or as a reset
        assert await closed(reader) == b""
    for reader, writer in held:
        writer.write(REQUEST)
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_head_and_body_of_an_answer_are_one_write(port: int):
    """One packet, which the caller reads at once."""
    reader, writer = await connect(port)
    writer.write(REQUEST)
    async with asyncio.timeout(20):
        assert (await reader.read(65536)).endswith(b"\r\n\r\nok")
    writer.close()


def test_an_answer_that_ends_after_its_head_is_written_before_the_connection_closes():
    written: list[bytes] = []

    class Transport(asyncio.Transport):
        def write(self, data: bytes) -> None:
            written.append(data)

        def close(self) -> None:
            written.append(b"closed")

        def is_closing(self) -> bool:
            return False

    whole = connections.Whole(Transport())
    whole.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    whole.write(b"HTTP/1.1 200 OK\r\n\r\n")
    whole.close()
    assert written == [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"closed"]


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the method, the headers' names and the body that came."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    names = b",".join(name for name, _ in scope["headers"])
    said = b" ".join([scope["method"].encode(), names, body])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(said))]})
    await send({"type": "http.response.body", "body": said})


UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n"


async def answer_to(port: int, *pieces: bytes) -> bytes:
    """The first answer to a request that is sent in pieces; its body has as many bytes as its head says."""
    reader, writer = await connect(port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0)
    async with asyncio.timeout(20):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
    writer.close()
    return body


@pytest.mark.parametrize("application", [echo], indirect=True)
@pytest.mark.parametrize(
    "upgrade",
    [
        UPGRADE,
        UPGRADE.lower(),
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n",
        b"Upgrade: TLS/1.2, HTTP/3.0\r\nConnection: keep-alive, upgrade\r\n",
        b"Connection: upgrade\r\n",
        b"",
    ],
)
@pytest.mark.parametrize(
    ("framing", "body"),
    [(b"Content-Length: 5\r\n", b"hello"), (b"Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n0\r\n\r\n")],
)
async def test_an_offer_of_another_protocol_is_ignored_and_the_body_arrives(
    port: int, upgrade: bytes, framing: bytes, body: bytes
):
    head = b"POST /a?b=1 HTTP/1.1\r\nhost: x\r\n" + upgrade + framing + b"X-Kept: 1\r\n\r\n"
    for pieces in ([head + body], [head, body], [head[:70], head[70:] + body[:3], body[3:]]):
        answer = await answer_to(port, *pieces)
        assert answer.startswith(b"POST host,")
        assert answer.endswith(b" hello")
        assert b"x-kept" in answer
        assert b"upgrade" not in answer
        assert b"http2-settings" not in answer


@pytest.mark.parametrize("application", [echo], indirect=True)
async def test_after_an_upgrade_that_was_ignored_the_connection_goes_on(port: int):
    reader, writer = await connect(port)
    post = b"POST / HTTP/1.1\r\nhost: x\r\n" + UPGRADE + b"Content-Length: 2\r\n\r\n"
    for word in (b"#1", b"#2"):
        writer.write(post + word)
        async with asyncio.timeout(20):
            assert (await reader.readuntil(word)).startswith(b"HTTP/1.1 200")
    writer.write(post + b"#3" + post + b"#4")  # the second before the first is answered
    async with asyncio.timeout(20):
        await reader.readuntil(b"#3")
        await reader.readuntil(b"#4")
    writer.close()


@pytest.mark.parametrize("application", [echo], indirect=True)
async def test_an_upgrade_that_wants_the_connection_closed_is_closed(port: int):
    reader, writer = await connect(port)
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\nUpgrade: h2c\r\nConnection: close, Upgrade\r\n\r\n")
    assert b"connection: close" in (await closed(reader)).lower()


async def test_connect_is_refused(port: int):
    reader, writer = await connect(port)
    writer.write(b"CONNECT example.org:443 HTTP/1.1\r\nhost: example.org\r\n\r\n")
    assert (await closed(reader)).startswith(b"HTTP/1.1 400")


async def test_head_is_answered_at_once_and_without_a_body(port: int):
    reader, writer = await connect(port)
    for _ in range(2):
        writer.write(b"HEAD / HTTP/1.1\r\nhost: x\r\n\r\n")
        async with asyncio.timeout(20):
            head = await reader.readuntil(b"\r\n\r\n")
        assert b"content-length: 2" in head
    writer.write(b"HEAD / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert (await closed(reader)).endswith(b"\r\n\r\n")


@pytest.mark.parametrize("application", [echo], indirect=True)
async def test_thousands_of_upgrades_in_one_packet_are_answered_one_by_one(port: int):
    """More than the recursion limit of the interpreter."""
    count = 1500
    reader, writer = await connect(port)
    writer.write(b"GET / HTTP/1.1\r\nhost:x\r\nconnection:upgrade\r\nupgrade:a\r\n\r\n" * count)
    async with asyncio.timeout(60):
        for _ in range(count):
            assert (await reader.readuntil(b"GET host ")).startswith(b"HTTP/1.1 200")
    writer.close()


@pytest.mark.parametrize("application", [echo], indirect=True)
@pytest.mark.parametrize("offer", [b"", b"Upgrade: h2c\r\n"])
async def test_what_follows_the_last_request_of_a_connection_does_not_replace_its_answer(port: int, offer: bytes):
    reader, writer = await connect(port)
    connection = b"Connection: close, Upgrade\r\n" if offer else b"Connection: close\r\n"
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n" + connection + offer + b"\r\nGET / HTTP/1.1\r\n\r\n")
    answer = await closed(reader)
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("application", [echo], indirect=True)
async def test_a_broken_body_after_an_ignored_upgrade_is_a_bad_request(port: int):
    reader, writer = await connect(port)
    writer.write(b"POST / HTTP/1.1\r\nhost: x\r\n" + UPGRADE + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n")
    assert (await closed(reader)).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("application", [echo], indirect=True)
async def test_head_between_other_requests_of_one_packet_has_no_body(port: int):
    reader, writer = await connect(port)
    for method in (b"HEAD", b"GET", b"HEAD"):
        writer.write(method + b" / HTTP/1.1\r\nhost: x\r\n" + (UPGRADE if method == b"GET" else b"") + b"\r\n")
    async with asyncio.timeout(20):
        heads = [await reader.readuntil(b"\r\n\r\n")]
        heads += [await reader.readuntil(b"\r\n\r\n"), await reader.readexactly(len(b"GET host "))]
        heads += [await reader.readuntil(b"\r\n\r\n")]
    assert [head[:15] for head in heads] == [b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK", b"GET host ", b"HTTP/1.1 200 OK"]
    writer.close()
