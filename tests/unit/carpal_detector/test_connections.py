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
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """Of a server that waits a fifth of a second for headers and holds three connections."""
    monkeypatch.setattr(connections, "LINGER_S", 0.2)
    limits = ConnectionLimits(header_timeout_s=0.2, connections=3)
    config = uvicorn.Config(app, http=partial(Connection, limits=limits), lifespan="off", log_config=None, port=0)
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
