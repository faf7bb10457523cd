"""Connections are passed on both ways, and each side may end its half first."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress

import pytest
from infra.cluster.gateway import BLOCK_BYTES, FIRST_PORT, Forward, free_port, serve

TIMES = 200
TALK_BLOCKS = 1 << 14


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer only when the other side has said all: what a half-closed connection is for."""
    writer.write(b"heard " + await reader.read())
    await writer.drain()
    writer.close()


async def ask(port: int, text: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


async def test_what_is_said_comes_through_and_the_answer_comes_back():
    inner = await asyncio.start_server(echo, "127.0.0.1", 0)
    outer = socket.create_server(("127.0.0.1", 0))
    forward = Forward(outer.getsockname()[1], "127.0.0.1", inner.sockets[0].getsockname()[1])
    passing = asyncio.create_task(serve([(outer, forward)]))
    answers = await asyncio.gather(*(ask(forward.port, b"x" * 300_000) for _ in range(3)))
    assert answers == [b"heard " + b"x" * 300_000] * 3
    passing.cancel()
    inner.close()


async def test_where_nobody_listens_inside_the_connection_is_closed():
    with socket.create_server(("127.0.0.1", 0)) as free:
        unused = free.getsockname()[1]
    outer = socket.create_server(("127.0.0.1", 0))
    forward = Forward(outer.getsockname()[1], "127.0.0.1", unused)
    passing = asyncio.create_task(serve([(outer, forward)]))
    with suppress(ConnectionResetError):
        assert await ask(forward.port, b"hello") == b""
    passing.cancel()


def refuse(listener: socket.socket) -> None:
    """Answer each caller after its first words and hang up with the rest unread, which resets the connection."""
    for _ in range(TIMES):
        connection, _ = listener.accept()
        with connection:
            connection.recv(100)
            connection.sendall(b"no")


async def test_an_answer_that_comes_before_the_end_of_the_question_is_not_lost():
    """Each time: what is sent to a connection that was reset must not take with it what came from there."""
    with socket.create_server(("127.0.0.1", 0)) as inner, socket.create_server(("127.0.0.1", 0)) as outer:
        server = threading.Thread(target=refuse, args=(inner,), daemon=True)
        server.start()
        forward = Forward(outer.getsockname()[1], "127.0.0.1", inner.getsockname()[1])
        passing = asyncio.create_task(serve([(outer, forward)]))
        answers = [await asyncio.to_thread(told, forward.port, b"x" * 400_000) for _ in range(TIMES)]
        server.join()
        passing.cancel()
    assert answers == [b"no"] * TIMES


def told(port: int, text: bytes) -> bytes:
    """What comes back to one who says all before it listens."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(text)
        return connection.recv(100)


def talk(listener: socket.socket, sent: list[int]) -> None:
    """Say to one caller, who never asked for an end, a gigabyte at most, and keep how much of it was taken."""
    connection, _ = listener.accept()
    with connection, suppress(OSError):
        for _ in range(TALK_BLOCKS):
            connection.sendall(b"x" * BLOCK_BYTES)
            sent.append(BLOCK_BYTES)


async def test_a_server_whose_caller_has_hung_up_is_left():
    sent: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as inner, socket.create_server(("127.0.0.1", 0)) as outer:
        server = threading.Thread(target=talk, args=(inner, sent), daemon=True)
        server.start()
        forward = Forward(outer.getsockname()[1], "127.0.0.1", inner.getsockname()[1])
        passing = asyncio.create_task(serve([(outer, forward)]))
        assert await asyncio.to_thread(told, forward.port, b"go on") != b""
        await asyncio.to_thread(server.join)
        passing.cancel()
    assert len(sent) < TALK_BLOCKS


@pytest.mark.parametrize("text", ["20443:10.89.0.1:6443"])
def test_a_forward_is_read_as_it_is_written(text: str):
    assert str(Forward.parse(text)) == text


def test_a_port_that_is_taken_is_not_offered():
    first = free_port([])
    assert first >= FIRST_PORT
    with socket.create_server(("127.0.0.1", first)):
        assert free_port([]) > first
    assert free_port([first]) != first
