"""TIFF: the directory of the page is checked before OpenCV (libtiff) decodes it.

Baseline pages with 8 or 16 bits, grey or colour, in strips or tiles, also BigTIFF, either byte order.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from carpal.imaging.errors import DamagedImageError, NoSuchFrameError, TruncatedImageError, UnsupportedImageError
from carpal.imaging.limits import Limits
from carpal.imaging.radiograph import Grey
from carpal.imaging.raster import Raster, decode, grey
from carpal.imaging.tiff_parts import JPEG, LZW, check_lzw, check_parts, strip_sizes

TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES, _FORMAT = 256, 257, 258, 259, 262, 277, 339
_STRIPS, _STRIP_BYTES, _TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES = 273, 279, 322, 323, 324, 325
_FILL_ORDER, _STRIP_ROWS, _PLANES, _TABLES = 266, 278, 284, 347
_WANTED = {
    _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES, _FORMAT,
    _STRIPS, _STRIP_BYTES, _TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES, _FILL_ORDER, _STRIP_ROWS, _PLANES, _TABLES,
}  # fmt: skip
_TYPES = {1: ("B", 1), 3: ("H", 2), 4: ("I", 4), 7: ("B", 1), 16: ("Q", 8)}
_COMPRESSIONS = {1: "none", 5: "LZW", 7: "JPEG", 8: "deflate", 32773: "PackBits", 32946: "deflate"}
_WHITE_IS_ZERO, _YCBCR, _COLOURS = 0, 6, {0, 1, 2, 3, 6}
_LOW_BIT_FIRST, _SEPARATE = 2, 2
_UNSIGNED = 1
_MOST_VALUES = 1_000_000
_SEND_AGAIN = "Copy or export the file again."

Tags = Mapping[int, tuple[int, ...]]


@dataclass(frozen=True)
class _Layout:
    """How numbers lie in this file: byte order, and whether places have 32 or 64 bits."""

    order: str
    big: bool

    @property
    def place(self) -> str:
        return "Q" if self.big else "I"


def read_tiff(body: bytes, limits: Limits, page: int = 1) -> Raster:
    """Decode one page to grey.

    Args:
        body: the whole file.
        limits: bounds that are checked before pixels are touched.
        page: the first is 1.

    Raises:
        TruncatedImageError, DamagedImageError, TooLargeError, EmptyImageError: as their names say.
        NoSuchFrameError: the file has fewer pages.
        UnsupportedImageError: other bits, samples or compressions.
    """
    try:
        layout, first = _open(body)
        pages = _pages(body, layout, first, limits)
        if page > len(pages):
            raise NoSuchFrameError(
                f"page {page} of the TIFF was asked for", f"It has {len(pages)}.", "Ask for one that it has."
            )
        tags = _directory(body, layout, pages[page - 1])
    except (struct.error, OverflowError) as failure:  # of places beyond any memory, which a BigTIFF can name
        raise TruncatedImageError(
            f"the TIFF ends after {len(body)} bytes", "A directory lies behind its end.", _SEND_AGAIN
        ) from failure
    bits = _check(tags, limits, len(body))
    _check_whole(tags, len(body))
    _check_data(body, tags, page)
    if page == 1:
        size_px = _first(tags, _WIDTH, 0) * _first(tags, _HEIGHT, 0)
        pixels = decode(body, cv2.IMREAD_UNCHANGED, "TIFF", size_px)
    else:
        pixels = _decode_page(body, page)
    if pixels.dtype == np.uint16 and _first(tags, _PHOTOMETRIC, 1) == _WHITE_IS_ZERO:
        pixels = ~pixels  # OpenCV turns eight bits by itself, and leaves sixteen as they are
    return Raster(pixels, bits, frames=len(pages), frame=page)


def _open(body: bytes) -> tuple[_Layout, int]:
    order = "<" if body[:2] == b"II" else ">"
    if body[2:4].strip(b"\0") == b"+":
        return _Layout(order, True), struct.unpack_from(order + "Q", body, 8)[0]
    return _Layout(order, False), struct.unpack_from(order + "I", body, 4)[0]


def _entries(body: bytes, layout: _Layout, place: int) -> tuple[int, int, int]:
    """How many entries a directory has, where the first lies, and how long each is."""
    if layout.big:
        return struct.unpack_from(layout.order + "Q", body, place)[0], place + 8, 20
    return struct.unpack_from(layout.order + "H", body, place)[0], place + 2, 12


def _pages(body: bytes, layout: _Layout, place: int, limits: Limits) -> list[int]:
    """Where each page's directory lies; a chain that bites its tail is refused."""
    found: list[int] = []
    seen = set()
    while place:
        if place in seen:
            raise DamagedImageError("the pages of the TIFF run in a circle", "The last must have no next.", _SEND_AGAIN)
        seen.add(place)
        found.append(place)
        limits.check_frames(len(found))
        count, start, size = _entries(body, layout, place)
        (place,) = struct.unpack_from(layout.order + layout.place, body, start + count * size)
    if not found:
        raise DamagedImageError("the TIFF has no page", "Its header leads nowhere.", _SEND_AGAIN)
    return found


def _directory(body: bytes, layout: _Layout, place: int) -> Tags:
    """The tags that decide whether and how a page decodes."""
    count, start, size = _entries(body, layout, place)
    tags = {}
    inside = 8 if layout.big else 4
    for entry in range(start, start + count * size, size):
        tag, kind = struct.unpack_from(layout.order + "HH", body, entry)
        (values,) = struct.unpack_from(layout.order + layout.place, body, entry + 4)
        if tag not in _WANTED or kind not in _TYPES:
            continue
        if not 0 < values <= _MOST_VALUES:
            raise DamagedImageError(f"tag {tag} of the TIFF has {values} values", "It cannot be.", _SEND_AGAIN)
        code, width = _TYPES[kind]
        at = entry + size - inside
        if values * width > inside:
            (at,) = struct.unpack_from(layout.order + layout.place, body, at)
        tags[tag] = struct.unpack_from(f"{layout.order}{values}{code}", body, at)
    return tags


def _check(tags: Tags, limits: Limits, encoded: int) -> int:
    """Refuse by size, depth and compression; the bits of a sample."""
    width, height = _first(tags, _WIDTH, 0), _first(tags, _HEIGHT, 0)
    limits.check_pixels(width, height)
    if _TILE_WIDTH in tags:
        limits.check_pixels(_first(tags, _TILE_WIDTH, 0), _first(tags, _TILE_HEIGHT, 0))
    bits, samples = tags.get(_BITS, (1,)), _first(tags, _SAMPLES, 1)
    compression, colour = _first(tags, _COMPRESSION, 1), _first(tags, _PHOTOMETRIC, 1)
    kind = set(tags.get(_FORMAT, (_UNSIGNED,)))
    if set(bits) not in ({8}, {16}) or kind != {_UNSIGNED} or samples not in (1, 2, 3, 4) or colour not in _COLOURS:
        raise UnsupportedImageError(
            f"the TIFF has {samples} samples of {bits[0]} bits in colour mode {colour}",
            "Grey and colour pages with 8 or 16 unsigned bits a sample are read.",
            "Save it as a 16-bit grey PNG, which loses nothing.",
        )
    if compression not in _COMPRESSIONS:
        raise UnsupportedImageError(
            f"the TIFF is compressed by method {compression}",
            f"These are read: {', '.join(dict.fromkeys(_COMPRESSIONS.values()))}.",
            "Save it with LZW or without compression.",
        )
    limits.check_ratio(width * height * samples * bits[0] // 8, encoded)
    return bits[0]


def _check_whole(tags: Tags, size: int) -> None:
    """Refuse a page whose pixels lie behind the end of the file, or are fewer than its size asks for."""
    starts, lengths = tags.get(_TILES, tags.get(_STRIPS, ())), tags.get(_TILE_BYTES, tags.get(_STRIP_BYTES, ()))
    if not starts or len(starts) != len(lengths):
        raise DamagedImageError(
            f"the TIFF has {len(starts)} parts and {len(lengths)} lengths of parts", "Each has one.", _SEND_AGAIN
        )
    if _TILES in tags and len(starts) < _count(tags):
        raise DamagedImageError(f"the TIFF has {len(starts)} tiles of {_count(tags)}", "Some are missing.", _SEND_AGAIN)
    end = max(start + length for start, length in zip(starts, lengths, strict=True))
    if end > size:
        raise TruncatedImageError(f"the TIFF has {size} bytes, {end} are announced", "It was cut short.", _SEND_AGAIN)
    needed = _first(tags, _WIDTH, 0) * _first(tags, _HEIGHT, 0) * sum(tags.get(_BITS, (8,))) // 8
    if _first(tags, _COMPRESSION, 1) == 1 and sum(lengths) < needed:
        raise TruncatedImageError(
            f"the TIFF holds {sum(lengths)} bytes of pixels, {needed} are announced", "It was cut short.", _SEND_AGAIN
        )
    if len(starts) < _count(tags):
        raise DamagedImageError(
            f"the TIFF has {len(starts)} strips of {_count(tags)}", "Some are missing.", _SEND_AGAIN
        )


def _check_data(body: bytes, tags: Tags, page: int) -> None:
    """Refuse a page whose compressed data is damaged."""
    compression = _first(tags, _COMPRESSION, 1)
    if compression == LZW:
        if _first(tags, _BITS, 8) == 8:  # of sixteen, OpenCV reports what libtiff finds
            check_lzw(body, page)
        return
    # Of bits that run the other way, and of colours that pixels share, no decoder or size is known here.
    unchecked = _first(tags, _FILL_ORDER, 1) == _LOW_BIT_FIRST or _first(tags, _PHOTOMETRIC, 1) == _YCBCR
    if compression == 1 or (compression != JPEG and unchecked):
        return
    starts, lengths = tags.get(_TILES, tags.get(_STRIPS, ())), tags.get(_TILE_BYTES, tags.get(_STRIP_BYTES, ()))
    sizes = _sizes(tags)
    parts = (body[start : start + length] for start, length in zip(starts[: len(sizes)], lengths, strict=False))
    check_parts(parts, sizes, compression, bytes(tags.get(_TABLES, ())))


def _sizes(tags: Tags) -> list[tuple[int, ...]]:
    """For each strip or tile, the bytes that it may have when it is not compressed."""
    width, height, samples = _first(tags, _WIDTH, 0), _first(tags, _HEIGHT, 0), _first(tags, _SAMPLES, 1)
    pixel_bytes = samples // _planes(tags) * _first(tags, _BITS, 8) // 8
    if _TILES in tags:
        return [(_first(tags, _TILE_WIDTH, 1) * _first(tags, _TILE_HEIGHT, 1) * pixel_bytes,)] * _count(tags)
    return strip_sizes(height, _strip_rows(tags), width * pixel_bytes) * _planes(tags)


def _count(tags: Tags) -> int:
    """How many strips or tiles the page needs."""
    width, height = _first(tags, _WIDTH, 0), _first(tags, _HEIGHT, 0)
    if _TILES not in tags:
        return math.ceil(height / _strip_rows(tags)) * _planes(tags)
    across = math.ceil(width / _first(tags, _TILE_WIDTH, 1))
    return across * math.ceil(height / _first(tags, _TILE_HEIGHT, 1)) * _planes(tags)


def _planes(tags: Tags) -> int:
    """In how many planes the samples of a pixel are stored."""
    return _first(tags, _SAMPLES, 1) if _first(tags, _PLANES, 1) == _SEPARATE else 1


def _strip_rows(tags: Tags) -> int:
    height = _first(tags, _HEIGHT, 0)
    return min(max(_first(tags, _STRIP_ROWS, height), 1), height)


def _decode_page(body: bytes, page: int) -> Grey:
    try:
        span = (page - 1, page)
        done, images = cv2.imdecodemulti(np.frombuffer(body, np.uint8), cv2.IMREAD_UNCHANGED, range=span)
    except cv2.error:
        done, images = False, []
    if not done or len(images) != 1 or images[0].dtype not in (np.uint8, np.uint16):
        raise DamagedImageError(f"page {page} of the TIFF does not decode", "Its content is broken.", _SEND_AGAIN)
    return grey(np.asarray(images[0]))


def _first(tags: Tags, tag: int, otherwise: int) -> int:
    return tags.get(tag, (otherwise,))[0]
