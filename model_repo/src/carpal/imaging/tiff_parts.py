"""The compressed strips or tiles of a TIFF page, checked for lost data before OpenCV decodes them.

libtiff reports lost data, but OpenCV ignores that for eight bits, and leaves what is missing black. Deflate has a
checksum that libtiff does not read; of JPEG, libtiff passes warnings over.
"""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO

from isal import isal_zlib
from rle.utils import decode_segment  # type: ignore[attr-defined]  # of Rust, without a stub

from carpal.imaging.errors import DamagedImageError
from carpal.imaging.jpeg_decoder import decode_grey

LZW, JPEG, DEFLATES, PACK_BITS = 5, 7, (8, 32946), 32773
_MAX_EXPANSION = 2  # PackBits adds a byte to 128, so this is ample, and bounds what a part can fill
_SEND_AGAIN = "Copy or export the file again."


def check_parts(
    parts: Iterable[bytes], sizes: Iterable[tuple[int, ...]], compression: int, tables: bytes = b""
) -> None:
    """Refuse a page of which a part is damaged; of LZW see ``check_lzw``.

    Args:
        parts: strips or tiles.
        sizes: for each, the bytes that it may have when it is not compressed.
        compression: tag 259.
        tables: tag 347, the tables that all JPEG parts share; empty if they have their own.

    Raises:
        DamagedImageError: a part does not decode, or not to its size.
    """
    for number, (part, allowed) in enumerate(zip(parts, sizes, strict=True), start=1):
        try:
            if compression == JPEG:
                decode_grey(tables[:-2] + part[2:] if tables else part)
            elif compression in DEFLATES:
                _check_size(_inflated_bytes(part, max(allowed)), allowed)
            elif compression == PACK_BITS:
                _check_size(_unpacked_bytes(part, max(allowed)), allowed)
        except (ValueError, DamagedImageError) as failure:
            raise DamagedImageError(
                f"the TIFF does not decode: strip or tile {number} is broken",
                "A part of its data is missing or altered.",
                _SEND_AGAIN,
            ) from failure


def strip_sizes(height: int, rows: int, row_bytes: int) -> list[tuple[int, ...]]:
    """For each strip of a plane, the bytes that it may have: the last can be filled up.

    Args:
        height: of the page in pixels.
        rows: of a strip.
        row_bytes: of one row.
    """
    sizes = [min(rows, height - start) * row_bytes for start in range(0, height, rows)]
    return [(size, rows * row_bytes) for size in sizes]


def check_lzw(body: bytes, page: int) -> None:
    """Refuse a page in LZW of which a part is damaged; one in a mode that Pillow does not have is not checked.

    Args:
        body: the whole file.
        page: the first is 1.

    Raises:
        DamagedImageError: a part does not decode.
    """
    from PIL import TiffImagePlugin  # only such a file needs it

    try:
        image = TiffImagePlugin.TiffImageFile(BytesIO(body))
        image.seek(page - 1)
    except (SyntaxError, EOFError, KeyError, TypeError, ValueError):
        return
    try:
        image.load()
    except OSError as failure:
        raise DamagedImageError(
            "the TIFF does not decode: its LZW data is broken", "A part of it is missing or altered.", _SEND_AGAIN
        ) from failure


def _check_size(size: int, allowed: tuple[int, ...]) -> None:
    if size not in allowed:
        raise ValueError(f"{size} bytes of pixels, not {allowed[0]}")


def _inflated_bytes(part: bytes, most: int) -> int:
    inflating = isal_zlib.decompressobj()
    try:
        size = len(inflating.decompress(part, most + 1))
    except isal_zlib.error as failure:  # type: ignore[misc]  # the stub has an instance where the module has a class
        raise ValueError(str(failure)) from failure
    if size <= most and not inflating.eof:  # the checksum is behind the data
        raise ValueError("the end is missing")
    return size


def _unpacked_bytes(part: bytes, most: int) -> int:
    if len(part) > _MAX_EXPANSION * most:
        raise ValueError(f"{len(part)} bytes for {most} bytes of pixels")
    if not part:
        return 0  # of which the decoder panics
    return len(decode_segment(part))
