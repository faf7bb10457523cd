"""The text of a JSON body: UTF-8, with or without a byte-order mark (RFC 8259, section 8.1)."""

from __future__ import annotations

from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE

from carpal_detector.errors import MalformedError

# How a JSON object starts in UTF-16 and UTF-32, with and without a byte-order mark.
_WIDE = (BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE, b"{\0", b"\0{", b"\0\0\0{")


def utf8_json(body: bytes) -> bytes:
    """The body without its byte-order mark.

    Raises:
        MalformedError: it is UTF-16 or UTF-32.
    """
    if body.startswith(_WIDE):
        raise MalformedError(
            "The request is text in UTF-16 or UTF-32",
            "JSON is exchanged in UTF-8 (RFC 8259).",
            "Write it in UTF-8; PowerShell's Out-File and Set-Content take -Encoding utf8.",
        )
    return body.removeprefix(BOM_UTF8)
