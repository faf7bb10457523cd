"""Headers and bodies of requests."""

from __future__ import annotations

import asyncio

import pytest
from starlette.datastructures import Headers

from carpal_detector.bodies import Content, deadline_s, declared, name_of, sniffed, whole_number
from carpal_detector.errors import MalformedError, WrongMediaTypeError


@pytest.mark.parametrize(
    ("media_type", "content"),
    [
        ("image/png", Content.IMAGE),
        ("IMAGE/JPEG; q=1", Content.IMAGE),
        ("application/dicom", Content.IMAGE),
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


def test_a_brace_begins_a_protocol_request_and_no_image():
    assert sniffed(b'\n {"inputs"') is Content.JSON
    assert sniffed(b"\x89PNG{") is Content.IMAGE
    assert sniffed(b"") is Content.IMAGE


async def test_a_deadline_is_counted_from_now():
    now = asyncio.get_running_loop().time()
    assert deadline_s(Headers({"X-Request-Deadline-Ms": "1500"})) == pytest.approx(now + 1.5, abs=0.5)
    assert deadline_s(Headers()) is None


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf", ""])
async def test_a_deadline_that_is_no_number_is_refused(text: str):
    with pytest.raises(MalformedError):
        deadline_s(Headers({"X-Request-Deadline-Ms": text}))


def test_a_name_may_be_percent_encoded():
    assert name_of(Headers({"X-Carpal-Name": "Handgelenk%20%C3%BC"})) == "Handgelenk ü"
    assert name_of(Headers()) is None


@pytest.mark.parametrize("text", ["-1", "1.5", "", "٣"])
def test_a_length_is_a_whole_number(text: str):
    with pytest.raises(MalformedError):
        whole_number({"content-length": text}, "content-length")
