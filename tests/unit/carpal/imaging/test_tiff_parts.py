"""Compressed strips and tiles of a TIFF: what is damaged is refused, in eight bits as in sixteen."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image

from carpal.errors import ImageError
from carpal.imaging.errors import DamagedImageError
from carpal.imaging.limits import Limits
from carpal.imaging.tiff import read_tiff
from carpal.imaging.tiff_parts import DEFLATES, PACK_BITS, check_lzw, check_parts, strip_sizes

LZW, DEFLATE, JPEG = 5, 8, 7
COARSE = np.random.default_rng(0).integers(0, 65536, (30, 25)).astype(np.uint16)
DEEP = cv2.resize(COARSE, (250, 300), interpolation=cv2.INTER_CUBIC)
PIXELS = {"8": (DEEP >> 8).astype(np.uint8), "16": DEEP}


def by_opencv(depth: str, compression: int) -> bytes:
    flags = [cv2.IMWRITE_TIFF_COMPRESSION, compression, cv2.IMWRITE_TIFF_ROWSPERSTRIP, 32]
    return cv2.imencode(".tif", PIXELS[depth], flags)[1].tobytes()


def by_pillow(compression: str, *, mode: str = "L", pages: int = 1) -> bytes:
    saved = BytesIO()
    images = [Image.fromarray(PIXELS["8"]).convert(mode)] * pages
    images[0].save(saved, "TIFF", compression=compression, save_all=True, append_images=images[1:])
    return saved.getvalue()


FILES: dict[str, Callable[[], bytes]] = {
    "lzw of 8 bits": lambda: by_opencv("8", LZW),
    "lzw of 16 bits": lambda: by_opencv("16", LZW),
    "deflate of 8 bits": lambda: by_opencv("8", DEFLATE),
    "deflate of 16 bits": lambda: by_opencv("16", DEFLATE),
    "PackBits": lambda: by_opencv("8", PACK_BITS),
    "JPEG": lambda: by_opencv("8", JPEG),
    "JPEG with shared tables": lambda: by_pillow("jpeg"),
    "colour": lambda: by_pillow("tiff_adobe_deflate", mode="RGB"),
    "colour in JPEG": lambda: by_pillow("jpeg", mode="RGB"),
}


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_sound_page_is_read(name: str):
    pixels = read_tiff(FILES[name](), Limits()).pixels
    wanted = PIXELS["16" if pixels.dtype == np.uint16 else "8"].astype(int)
    assert np.abs(pixels - wanted).max() <= (20 if "JPEG" in name else 1 if "colour" in name else 0)


@pytest.mark.parametrize("bytes_lost", [200, 4000])
@pytest.mark.parametrize("name", sorted(FILES))
def test_a_hole_in_a_page_is_refused(name: str, bytes_lost: int):
    body = FILES[name]()
    place = len(body) // 3
    with pytest.raises(ImageError):
        read_tiff(body[:place] + bytes(bytes_lost) + body[place + bytes_lost :], Limits())


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"])
def test_only_the_page_that_is_read_is_checked(compression: str):
    body = by_pillow(compression, pages=2)
    place = len(body) // 4
    hollow = body[:place] + bytes(400) + body[place + 400 :]
    assert read_tiff(hollow, Limits(), page=2).pixels.shape == (300, 250)
    with pytest.raises(DamagedImageError):
        read_tiff(hollow, Limits(), page=1)


def test_a_page_with_too_few_strips_is_refused():
    body = by_opencv("8", DEFLATE)
    rows = body.index(b"\x16\x01\x03\0\1\0\0\0\x20\0\0\0")  # RowsPerStrip (278), one short, 32
    with pytest.raises(DamagedImageError, match="10 strips of 19"):
        read_tiff(body[: rows + 8] + b"\x10" + body[rows + 9 :], Limits())


def test_the_last_strip_may_be_filled_up():
    assert strip_sizes(10, 4, 3) == [(12, 12), (12, 12), (6, 12)]
    assert strip_sizes(3, 3, 5) == [(15, 15)]


@pytest.mark.parametrize("compression", DEFLATES)
def test_deflate_must_have_its_size_its_end_and_its_checksum(compression: int):
    part = zlib.compress(bytes(range(100)))
    check_parts([part], [(100,)], compression)
    for broken, size in (
        (part[:-1], 100),
        (part[:-4] + b"abcd", 100),
        (part, 101),
        (part, 99),
        (b"", 100),
        (zlib.compress(bytes(10**6)), 100),
    ):
        with pytest.raises(DamagedImageError, match="strip or tile 1 is broken"):
            check_parts([broken], [(size,)], compression)


def test_pack_bits_must_have_its_size():
    part = bytes([0x80, 0xFE, 5, 1, 7, 8])  # nothing, three times 5, then 7 and 8
    check_parts([part, part], [(5,), (4, 5)], PACK_BITS)
    for broken in (part[:-1], part + b"\0\0", b"", part * 10):
        with pytest.raises(DamagedImageError, match="strip or tile 2 is broken"):
            check_parts([part, broken], [(5,), (5,)], PACK_BITS)


def test_a_mode_that_pillow_does_not_have_is_not_checked():
    check_lzw(b"II*\0\x08\0\0\0\0\0\0\0\0\0", 1)
    check_lzw(by_opencv("8", LZW), 2)
