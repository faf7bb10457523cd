"""Headers and bodies of requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import httpx
import pytest
from starlette.datastructures import Headers
from tests.unit.carpal_detector.test_rest import INFER

from carpal_detector.bodies import Content, declared, name_of, read_body, sniffed, whole_number
from carpal_detector.budget import Budget
from carpal_detector.errors import (
    BodyTooLargeError,
    ClientGoneError,
    MalformedError,
    OverloadedError,
    SlowBodyError,
    WrongMediaTypeError,
)


def messages(*chunks: bytes, ending: str = "http.request") -> AsyncIterator[dict[str, Any]]:
    """What a server passes on of a body that comes in chunks, and ends or breaks off."""

    async def come() -> AsyncIterator[dict[str, Any]]:
        for place, chunk in enumerate(chunks):
            yield {
                "type": "http.request",
                "body": chunk,
                "more_body": place + 1 < len(chunks) or ending != "http.request",
            }
        if ending == "never":
            await asyncio.Event().wait()
        yield {"type": "http.disconnect"}

    return come()


async def read(
    chunks: Sequence[bytes], headers: dict[str, str] | None = None, *, budget: Budget | None = None, **options: Any
) -> bytes:
    limits = {"limit_bytes": 10, "limit_s": 20.0} | {key: options.pop(key) for key in ("limit_s",) if key in options}
    with (budget or Budget(100)).lease() as lease:
        return await read_body(messages(*chunks, **options).__anext__, headers or {}, lease, **limits)


async def test_a_body_is_put_together_from_its_chunks():
    assert await read([b"ab", b"c", b""]) == b"abc"
    assert await read([b""]) == b""


@pytest.mark.parametrize(
    ("chunks", "headers", "held"), [([b"x" * 11], {"content-length": "11"}, 0), ([b"x" * 6, b"x" * 6], {}, 6)]
)
async def test_a_body_above_the_limit_is_given_up(chunks: list[bytes], headers: dict[str, str], held: int):
    with pytest.raises(BodyTooLargeError):
        await read(chunks, headers)


async def test_a_body_that_others_leave_no_room_for_is_refused_before_it_is_read():
    budget = Budget(12)
    with budget.lease() as other:
        other.grow(5)
        with pytest.raises(OverloadedError):
            await read([], {"content-length": "8"}, budget=budget)
        with pytest.raises(OverloadedError):
            await read([b"x" * 4, b"x" * 4], budget=budget)
        assert budget.held_bytes == 5
        assert await read([b"x" * 7], {"content-length": "7"}, budget=budget) == b"x" * 7


async def test_a_body_that_stops_coming_is_given_up():
    with pytest.raises(SlowBodyError):
        await read([b"ab"], ending="never", limit_s=0.01)


async def test_a_caller_who_hangs_up_while_sending_is_gone():
    with pytest.raises(ClientGoneError):
        await read([b"ab"], ending="http.disconnect")


@pytest.mark.parametrize(
    ("media_type", "content"),
    [
        ("image/png", Content.IMAGE),
        ("IMAGE/JPEG; q=1", Content.IMAGE),
        ("application/dicom", Content.IMAGE),
        ("image/tiff", Content.IMAGE),
        ("image/bmp", Content.IMAGE),
        ("application/json; charset=utf-8", Content.JSON),
        ("application/octet-stream", None),
        ("", None),
    ],
)
def test_the_content_type_says_what_a_body_holds(media_type: str, content: Content | None):
    assert declared(Headers({"content-type": media_type})) is content


@pytest.mark.parametrize("headers", [{"content-type": "text/csv"}, {"content-encoding": "gzip"}])
def test_what_is_not_taken_is_refused_with_what_is(headers: dict[str, str]):
    with pytest.raises(WrongMediaTypeError) as caught:
        declared(Headers(headers))
    assert caught.value.remedy


@pytest.mark.parametrize("coding", ["identity", "IDENTITY", "", " ", ",", "identity ,\tIdentity"])
def test_a_coding_that_changes_nothing_is_accepted(coding: str):
    assert declared({"content-encoding": coding, "content-type": "image/png"}) is Content.IMAGE


@pytest.mark.parametrize("coding", ["GZip", "identity, br", "identity;q=1", "x" * 5000])
def test_another_coding_is_refused_even_where_a_header_length_says_that_it_is_json(coding: str):
    with pytest.raises(WrongMediaTypeError) as caught:
        declared({"content-encoding": coding, "inference-header-content-length": "7"})
    assert coding[:40] in caught.value.what
    assert len(caught.value.what) < 200


def test_a_header_length_means_json_whatever_the_content_type():
    assert (
        declared({"inference-header-content-length": "7", "content-type": "application/octet-stream"}) is Content.JSON
    )


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_json_behind_a_byte_order_mark_looks_like_json(encoding: str):
    assert sniffed('{"inputs": []}'.encode(encoding)) is Content.JSON


def test_a_brace_begins_a_protocol_request_and_no_image():
    assert sniffed(b'\n {"inputs"') is Content.JSON
    assert sniffed(b"\x89PNG{") is Content.IMAGE
    assert sniffed(b"") is Content.IMAGE


def test_a_name_may_be_percent_encoded():
    assert name_of(Headers({"X-Carpal-Name": "Handgelenk%20%C3%BC"})) == "Handgelenk ü"
    assert name_of(Headers()) is None


@pytest.mark.parametrize("text", ["-1", "1.5", "", "٣"])
def test_a_length_is_a_whole_number(text: str):
    with pytest.raises(MalformedError):
        whole_number({"content-length": text}, "content-length")


@pytest.mark.parametrize("coding", ["identity", "Identity", "IDENTITY", " identity ", "", "identity, identity"])
async def test_a_body_that_is_not_encoded_is_taken_however_that_is_said(
    client: httpx.AsyncClient, grey_png: Callable[..., bytes], coding: str
):
    headers = {"Content-Type": "image/png", "Content-Encoding": coding}
    assert (await client.post(INFER, content=grey_png(), headers=headers)).status_code == 200


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip", "deflate", "br", "identity, gzip", "gzip,identity"])
@pytest.mark.parametrize("head", [{}, {"Inference-Header-Content-Length": "10"}, {"Content-Type": "application/json"}])
async def test_an_encoded_body_is_refused_by_its_encoding(client: httpx.AsyncClient, coding: str, head: dict[str, str]):
    answer = await client.post(INFER, content=b"\x1f\x8b\x08\x00", headers={"Content-Encoding": coding, **head})
    assert (answer.status_code, answer.json()["code"]) == (415, "request.media-type")
    assert "encoded" in answer.json()["error"]


async def test_of_two_lines_of_content_encoding_both_count(client: httpx.AsyncClient, grey_png: Callable[..., bytes]):
    for second, status in (("Identity", 200), ("gzip", 415)):
        lines = [("Content-Type", "image/png"), ("Content-Encoding", "identity"), ("Content-Encoding", second)]
        assert (await client.post(INFER, content=grey_png(), headers=lines)).status_code == status
