"""TIFF: pages in strips and tiles, either byte order, and how what does not decode is refused."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from carpal.errors import ImageError
from carpal.imaging.errors import (
    DamagedImageError,
    NoSuchFrameError,
    TooLargeError,
    TruncatedImageError,
    UnsupportedImageError,
)
from carpal.imaging.limits import Limits
from carpal.imaging.options import ReadOptions
from carpal.imaging.readers import read
from carpal.imaging.tiff import read_tiff

LIMITS = Limits()
WIDE = np.arange(80 * 100, dtype=np.uint16).reshape(80, 100) * 8
NARROW = (WIDE >> 8).astype(np.uint8)


def tiff(pixels: np.ndarray[Any, Any], *, order: str = "<", tile: int = 0, **tags: int) -> bytes:
    """A TIFF written by hand, in one strip or in tiles; ``t258=16`` sets tag 258."""
    rows, columns = pixels.shape
    stored = pixels.astype(pixels.dtype.newbyteorder(order))
    if tile:
        down, across = -(-rows // tile), -(-columns // tile)
        padded = np.zeros((down * tile, across * tile), stored.dtype)
        padded[:rows, :columns] = stored
        parts = [
            padded[y * tile : (y + 1) * tile, x * tile : (x + 1) * tile].tobytes()
            for y in range(down)
            for x in range(across)
        ]
    else:
        parts = [stored.tobytes()]
    starts = [8 + sum(map(len, parts[:number])) for number in range(len(parts))]
    end = 8 + sum(map(len, parts))
    own = {256: columns, 257: rows, 258: pixels.dtype.itemsize * 8, 259: 1, 262: 1, 277: 1}
    own |= {322: tile, 323: tile} if tile else {278: rows}
    own |= {int(tag[1:]): value for tag, value in tags.items()}
    lists = {324 if tile else 273: starts, 325 if tile else 279: [len(part) for part in parts]}
    entries, far = {tag: struct.pack(order + "HHII", tag, 4, 1, value) for tag, value in own.items()}, b""
    for tag, values in lists.items():
        packed = struct.pack(f"{order}{len(values)}I", *values)
        inside = packed if len(values) == 1 else struct.pack(order + "I", end + len(far))
        entries[tag] = struct.pack(order + "HHI", tag, 4, len(values)) + inside
        far += b"" if len(values) == 1 else packed
    directory = struct.pack(order + "H", len(entries)) + b"".join(entries[tag] for tag in sorted(entries))
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", end + len(far))
    return head + b"".join(parts) + far + directory + struct.pack(order + "I", 0)


def saved(*pages: np.ndarray[Any, Any], **options: Any) -> bytes:
    stream = BytesIO()
    first, *others = (Image.fromarray(page) for page in pages)
    first.save(stream, "TIFF", save_all=True, append_images=others, **options)
    return stream.getvalue()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("tile", [0, 64])
@pytest.mark.parametrize("pixels", [WIDE, NARROW], ids=["16", "8"])
def test_strips_and_tiles_are_read_in_both_byte_orders(order: str, tile: int, pixels: np.ndarray[Any, Any]):
    raster = read_tiff(tiff(pixels, order=order, tile=tile), LIMITS)
    assert raster.pixels.dtype == pixels.dtype
    assert (raster.pixels == pixels).all()
    assert (raster.bits, raster.frames) == (pixels.dtype.itemsize * 8, 1)


@pytest.mark.parametrize("pixels", [WIDE, NARROW], ids=["16", "8"])
def test_white_is_zero_is_inverted_once_whatever_the_depth(pixels: np.ndarray[Any, Any]):
    assert (read_tiff(tiff(pixels, t262=0), LIMITS).pixels == ~pixels).all()


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_lossless_compressions_give_the_same_pixels(compression: str):
    assert (read_tiff(saved(WIDE, compression=compression), LIMITS).pixels == WIDE).all()


def test_bigtiff_is_read():
    assert (read_tiff(saved(WIDE, big_tiff=True), LIMITS).pixels == WIDE).all()


def test_colour_becomes_its_luma():
    colour = np.zeros((1, 3, 3), np.uint8)
    colour[0, 0, 0] = colour[0, 1, 1] = colour[0, 2, 2] = 255
    assert read_tiff(saved(colour), LIMITS).pixels.tolist() == [[76, 150, 29]]


def test_the_first_of_several_pages_is_read_and_the_record_says_so():
    radiograph = read(saved(WIDE, WIDE[::-1]))
    assert (radiograph.pixels == WIDE).all()
    assert (radiograph.source.frame, radiograph.source.frames, radiograph.source.media_type) == (1, 2, "image/tiff")


def test_another_page_is_read_when_asked_for():
    radiograph = read(saved(WIDE, np.ascontiguousarray(WIDE[::-1])), options=ReadOptions(frame=2))
    assert (radiograph.pixels == WIDE[::-1]).all()
    assert radiograph.source.frame == 2


def test_a_page_that_is_not_there_is_refused():
    with pytest.raises(NoSuchFrameError, match="It has 1"):
        read_tiff(saved(WIDE), LIMITS, 2)


def test_a_later_page_that_does_not_decode_is_damaged():
    body = bytearray(saved(WIDE, WIDE, compression="tiff_lzw"))
    middle = len(body) // 2
    body[middle + 200 : middle + 900] = b"\xff" * 700
    with pytest.raises(DamagedImageError):
        read_tiff(bytes(body), LIMITS, 2)


@pytest.mark.parametrize("form", [np.float32, np.int32, np.bool_])
def test_other_kinds_of_numbers_are_refused(form: type):
    with pytest.raises(UnsupportedImageError, match="bits in colour mode"):
        read_tiff(saved(WIDE.astype(form)), LIMITS)


def test_a_compression_that_is_not_read_is_named():
    with pytest.raises(UnsupportedImageError, match="method 50000"):
        read_tiff(tiff(WIDE, t259=50000), LIMITS)


@pytest.mark.parametrize(
    ("tags", "tile", "error"),
    [
        ({"t256": 2**31}, 0, TooLargeError),
        ({"t322": 2**30, "t323": 2**30}, 64, TooLargeError),
        ({"t257": 900}, 64, DamagedImageError),
        ({"t257": 900}, 0, TruncatedImageError),
        ({"t273": 10**6}, 0, TruncatedImageError),
    ],
)
def test_a_directory_that_cannot_be_is_refused(tags: dict[str, int], tile: int, error: type[ImageError]):
    body = tiff(WIDE, tile=tile, **{tag: value for tag, value in tags.items() if tag != "t273"})
    if "t273" in tags:
        body = body.replace(struct.pack("<HHII", 273, 4, 1, 8), struct.pack("<HHII", 273, 4, 1, tags["t273"]))
    with pytest.raises(error):
        read_tiff(body, LIMITS)


def test_parts_without_lengths_are_refused():
    body = tiff(WIDE).replace(struct.pack("<HHI", 279, 4, 1), struct.pack("<HHI", 999, 4, 1))
    with pytest.raises(DamagedImageError, match="1 parts and 0 lengths"):
        read_tiff(body, LIMITS)


def test_a_list_without_end_is_refused():
    body = tiff(WIDE).replace(struct.pack("<HHI", 258, 4, 1), struct.pack("<HHI", 258, 4, 2**31))
    with pytest.raises(DamagedImageError, match="tag 258"):
        read_tiff(body, LIMITS)


def test_pages_in_a_circle_are_refused():
    body = tiff(WIDE)
    start = struct.unpack_from("<I", body, 4)[0]
    with pytest.raises(DamagedImageError, match="circle"):
        read_tiff(body[:-4] + struct.pack("<I", start), LIMITS)


def test_more_pages_than_the_limit_are_refused():
    with pytest.raises(TooLargeError, match="3 frames"):
        read_tiff(saved(WIDE, WIDE, WIDE), Limits(max_frames=2))


def test_a_tiff_without_a_page_is_damaged():
    with pytest.raises(DamagedImageError, match="no page"):
        read_tiff(b"II*\0\0\0\0\0", LIMITS)


def test_every_truncation_is_refused():
    body = tiff(WIDE[:20, :20])
    for end in range(4, len(body), 7):
        with pytest.raises(ImageError):
            read_tiff(body[:end], LIMITS)


def test_a_directory_beyond_any_memory_is_behind_the_end():
    """A BigTIFF names places by 64 bits, more than Python can seek to."""
    with pytest.raises(TruncatedImageError, match="behind its end"):
        read_tiff(b"II+\0\x08\0\0\0" + struct.pack("<Q", 2**64 - 16), LIMITS)
