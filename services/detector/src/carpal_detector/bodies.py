"""Request headers and bodies: what a body is, and how much of it is read, in what time."""

from __future__ import annotations

import asyncio
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Mapping
from enum import Enum
from urllib.parse import unquote

from starlette.types import Receive

from carpal.excerpt import excerpt
from carpal_detector.budget import Lease
from carpal_detector.errors import (
    BodyTooLargeError,
    ClientGoneError,
    MalformedError,
    SlowBodyError,
    WrongMediaTypeError,
)

NAME = "x-carpal-name"
CONTENT_ENCODING = "content-encoding"
# Of the protocol's binary tensors: bytes of the JSON in front of them.
HEADER_LENGTH = "inference-header-content-length"
# In the scope of a request: its body has come whole, so nobody need watch how long it takes.
ARRIVED = "carpal.arrived"
IMAGES = frozenset(
    {
        *("image/png", "image/x-png", "image/jpeg", "image/jpg", "image/tiff", "image/x-tiff", "image/bmp"),
        *("image/x-bmp", "image/x-ms-bmp", "application/dicom", "image/dicom-rle"),
    }
)
GENERAL = frozenset({"", "application/octet-stream"})
_UTF16_JSON = (BOM_UTF16_LE + b"{\0", BOM_UTF16_BE + b"\0{")


class Content(Enum):
    """What a body holds."""

    IMAGE = "an image file"
    JSON = "a protocol request in JSON"


def declared(headers: Mapping[str, str]) -> Content | None:
    """What the headers say that the body holds; None where only its bytes can tell.

    Raises:
        WrongMediaTypeError: nothing that the service takes.
    """
    if CONTENT_ENCODING in headers:
        _check_encoding(headers[CONTENT_ENCODING])
    if HEADER_LENGTH in headers:
        return Content.JSON
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type in IMAGES:
        return Content.IMAGE
    if media_type == "application/json":
        return Content.JSON
    if media_type in GENERAL:
        return None
    raise WrongMediaTypeError(
        f"The content type is {excerpt(media_type)!r}",
        f"The service takes {', '.join(sorted(IMAGES | {'application/json', 'application/octet-stream'}))}.",
        "With curl: --data-binary @wrist.png -H 'Content-Type: image/png'.",
    )


def sniffed(body: bytes) -> Content:
    """What the bytes themselves look like: a protocol request starts with a brace, no image does.

    JSON in UTF-16 counts as JSON, so that the error names the encoding.
    """
    if body[:64].removeprefix(BOM_UTF8).lstrip().startswith(b"{") or body.startswith(_UTF16_JSON):
        return Content.JSON
    return Content.IMAGE


def _check_encoding(header: str) -> None:
    """A list of codings in any case (RFC 9110, 8.4); ``identity`` and an empty list change nothing."""
    if {coding.strip().lower() for coding in header.split(",")} <= {"identity", ""}:
        return
    raise WrongMediaTypeError(
        f"The body is encoded as {excerpt(header)!r}",
        "Images are compressed already, and an unpacked body has no bound.",
        "Send it without Content-Encoding.",
    )


async def read_body(
    receive: Receive, headers: Mapping[str, str], lease: Lease, *, limit_bytes: int, limit_s: float | None
) -> bytes:
    """The whole body, unless it is too large: then it is not even read.

    Args:
        receive: the messages of the request.
        headers: of the request.
        lease: where its bytes are accounted before they are held.
        limit_bytes: the largest body.
        limit_s: seconds in which it has to arrive; None where it has arrived.

    Raises:
        BodyTooLargeError: by its header, or while reading.
        OverloadedError: the service holds too many bytes already.
        SlowBodyError: it did not arrive in time.
        ClientGoneError: the caller hung up.
    """
    length = whole_number(headers, "content-length")
    if length is not None:
        if length > limit_bytes:
            raise _too_large(f"{length} bytes", limit_bytes)
        lease.grow(length)
    if limit_s is None:
        return await _gathered(receive, length or 0, lease, limit_bytes)
    try:
        async with asyncio.timeout(limit_s):
            return await _gathered(receive, length or 0, lease, limit_bytes)
    except TimeoutError as failure:
        raise SlowBodyError(
            f"The body did not arrive within {limit_s:g} s",
            "A caller who sends slowly would hold memory that others need.",
            "Send it faster, or in a smaller file.",
        ) from failure


async def _gathered(receive: Receive, leased: int, lease: Lease, limit_bytes: int) -> bytes:
    """Chunk by chunk; what the header did not announce is accounted as it comes."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError("The caller hung up while sending", "", "Send the whole body.")
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit_bytes:
            raise _too_large(f"more than {limit_bytes} bytes", limit_bytes)
        if size > leased:
            lease.grow(size - leased)
            leased = size
        if not message.get("more_body"):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def name_of(headers: Mapping[str, str]) -> str | None:
    """What the record is to call the image; percent-encoded where it is not plain ASCII."""
    return unquote(headers.get(NAME, "")) or None


def whole_number(headers: Mapping[str, str], header: str) -> int | None:
    """A header that is a whole number; None where it is absent.

    Raises:
        MalformedError: it is something else.
    """
    text = headers.get(header)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise MalformedError(
            f"The header {header} is {excerpt(text)!r}", "It is a whole number of bytes.", "Correct or leave it out."
        )
    return int(text)


def _too_large(sent: str, limit_bytes: int) -> BodyTooLargeError:
    return BodyTooLargeError(
        f"The body has {sent}", f"At most {limit_bytes} are taken.", "Send fewer images, or one stored compressed."
    )
