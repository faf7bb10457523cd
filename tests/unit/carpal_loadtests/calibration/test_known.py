"""The server does as it is told and writes down what it did, whatever the pieces in which requests come."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx


def request(body: bytes, index: int) -> bytes:
    head = f"POST /v2/models/known/infer HTTP/1.1\r\nHost: x\r\nX-Request-Id: a-{index}\r\nContent-Type: image/png\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def connected(url: str) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port), 30)


def test_requests_that_come_in_pieces_or_together_are_taken_one_by_one(known: Callable[..., Any]) -> None:
    server = known()
    whole = request(b"first", 1) + request(b"", 2) + request(b"third" * 1000, 3)
    with connected(server.url) as connection:
        for begin in range(0, len(whole), 97):
            connection.sendall(whole[begin : begin + 97])
        answers = b""
        while answers.count(b"HTTP/1.1 200 Known") < 3:
            answers += connection.recv(65_536)
    seen = server.seen()
    assert list(seen.index) == [1, 2, 3]
    assert list(seen.bytes) == [5, 0, 5000]
    assert set(seen.media_type) == {"image/png"}


def test_what_it_kept_a_request_is_what_it_says_and_no_less_than_it_was_told(known: Callable[..., Any]) -> None:
    server = known(service_ms=30)
    begun = time.monotonic()
    with connected(server.url) as connection:
        connection.sendall(request(b"x", 0))
        connection.recv(65_536)
    ended = time.monotonic()
    seen = server.seen()
    assert begun <= seen.at_s[0] <= seen.at_s[0] + 0.03 <= seen.sent_s[0] <= ended


def test_it_forgets_when_told_to(known: Callable[..., Any]) -> None:
    server = known(service_ms=1)
    httpx.post(f"{server.url}/v2/models/known/infer", content=b"x", headers={"Content-Type": "image/png"})
    assert list(server.seen().index) == [-1]
    server.forget()
    assert server.seen().index == []


def test_it_leaks_as_much_as_it_is_told_and_counts_requests(known: Callable[..., Any]) -> None:
    server = known(leak_bytes=10)
    for _ in range(3):
        httpx.post(f"{server.url}/v2/models/known/infer", content=b"x", headers={"Content-Type": "image/png"})
    assert 'known_requests_total{code="200"} 3' in httpx.get(f"{server.url}/metrics").text


def test_what_it_does_not_know_is_not_there(known: Callable[..., Any]) -> None:
    server = known()
    assert httpx.get(f"{server.url}/v2/models/other").status_code == 404
    assert httpx.get(f"{server.url}/metrics").status_code == 404
    assert httpx.post(f"{server.url}/elsewhere", content=b"x").status_code == 400
