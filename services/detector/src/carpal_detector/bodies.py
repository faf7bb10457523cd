"""Request headers and bodies: what a body is, how much of it is read, and until when an answer is wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from enum import Enum
from math import isfinite
from urllib.parse import unquote

from starlette.requests import ClientDisconnect, Request

from carpal_detector.errors import BodyTooLargeError, ClientGoneError, MalformedError, WrongMediaTypeError

DEADLINE = "x-request-deadline-ms"
NAME = "x-carpal-name"
IMAGES = frozenset({"image/png", "image/x-png", "image/jpeg", "image/jpg", "application/dicom"})
GENERAL = frozenset({"", "application/octet-stream"})


class Content(Enum):
    """What a body holds."""

    IMAGE = "an image file"
    JSON = "a protocol request in JSON"


def declared(headers: Mapping[str, str]) -> Content | None:
    """What the headers say that the body holds; None where only its bytes can tell.

    Raises:
        WrongMediaTypeError: nothing that the service takes.
    """
    if headers.get("content-encoding", "identity") != "identity":
        raise WrongMediaTypeError(
            f"The body is encoded as {headers['content-encoding']!r}",
            "Images are compressed already, and an unpacked body has no bound.",
            "Send it without Content-Encoding.",
        )
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type in IMAGES:
        return Content.IMAGE
    if media_type == "application/json":
        return Content.JSON
    if media_type in GENERAL:
        return None
    raise WrongMediaTypeError(
        f"The content type is {media_type!r}",
        f"The service takes {', '.join(sorted(IMAGES | {'application/json', 'application/octet-stream'}))}.",
        "With curl: --data-binary @wrist.png -H 'Content-Type: image/png'.",
    )


def sniffed(body: bytes) -> Content:
    """What the bytes themselves look like: a protocol request starts with a brace, no image does."""
    return Content.JSON if body[:64].lstrip().startswith(b"{") else Content.IMAGE


async def read_body(request: Request, limit_bytes: int) -> bytes:
    """The whole body, unless it is too large: then it is not even read.

    Raises:
        BodyTooLargeError: by its header, or while reading.
        ClientGoneError: the caller hung up.
    """
    length = whole_number(request.headers, "content-length")
    if length is not None and length > limit_bytes:
        raise _too_large(f"{length} bytes", limit_bytes)
    chunks, size = [], 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit_bytes:
                raise _too_large(f"more than {limit_bytes} bytes", limit_bytes)
            chunks.append(chunk)
    except ClientDisconnect as failure:
        raise ClientGoneError("The caller hung up while sending", "", "Send the whole body.") from failure
    return b"".join(chunks)


def deadline_s(headers: Mapping[str, str]) -> float | None:
    """Loop time until which an answer is wanted, from the milliseconds that the caller will still wait.

    Raises:
        MalformedError: not a number, or negative.
    """
    text = headers.get(DEADLINE)
    if text is None:
        return None
    try:
        budget_ms = float(text)
    except ValueError:
        budget_ms = -1.0
    if not (isfinite(budget_ms) and budget_ms >= 0):
        raise MalformedError(
            f"X-Request-Deadline-Ms is {text!r}",
            "It is the milliseconds that you will still wait.",
            "Send a number, 0 or more.",
        )
    return asyncio.get_running_loop().time() + budget_ms / 1e3


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
            f"The header {header} is {text!r}", "It is a whole number of bytes.", "Correct or leave it out."
        )
    return int(text)


def _too_large(sent: str, limit_bytes: int) -> BodyTooLargeError:
    return BodyTooLargeError(
        f"The body has {sent}", f"At most {limit_bytes} are taken.", "Send fewer images, or one stored compressed."
    )
