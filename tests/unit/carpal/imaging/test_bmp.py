"""BMP: what decodes, and how what does not is refused."""

from __future__ import annotations

import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from carpal.errors import ImageError
from carpal.imaging.bmp import read_bmp
from carpal.imaging.errors import DamagedImageError, TooLargeError, TruncatedImageError, UnsupportedImageError
from carpal.imaging.limits import Limits

LIMITS = Limits()
RAMP = np.arange(16 * 15, dtype=np.uint8).reshape(15, 16)


def bmp(mode: str = "L") -> bytes:
    stream = BytesIO()
    Image.fromarray(RAMP).convert(mode).save(stream, "BMP")
    return stream.getvalue()


def changed(body: bytes, place: int, form: str, value: int) -> bytes:
    return body[:place] + struct.pack(form, value) + body[place + struct.calcsize(form) :]


@pytest.mark.parametrize("mode", ["L", "P", "RGB", "RGBA"])
def test_grey_survives_in_every_layout(mode: str):
    raster = read_bmp(bmp(mode), LIMITS)
    assert (raster.pixels == RAMP).all()
    assert raster.bits == 8


def test_a_fourth_channel_of_zeros_does_not_make_the_image_black():
    body = bmp("RGBA").replace(b"\xff\x10\x10\x10", b"\0\x10\x10\x10")
    assert (read_bmp(body, LIMITS).pixels == RAMP).all()


def test_rows_that_run_downwards_are_read():
    assert (read_bmp(changed(bmp(), 22, "<i", -15), LIMITS).pixels == RAMP[::-1]).all()


def test_the_oldest_header_is_read():
    header = struct.pack("<IHHHH", 12, 4, 1, 1, 8)
    palette = bytes(level for grey in range(256) for level in (grey, grey, grey))
    start = 14 + len(header) + len(palette)
    body = b"BM" + struct.pack("<IHHI", start + 4, 0, 0, start) + header + palette + bytes([1, 2, 3, 250])
    assert read_bmp(body, LIMITS).pixels.tolist() == [[1, 2, 3, 250]]


@pytest.mark.parametrize("size", range(2, 60, 3))
def test_a_bmp_that_ends_in_its_header_is_refused(size: int):
    with pytest.raises(ImageError):
        read_bmp(bmp()[:size], LIMITS)


def test_a_bmp_that_ends_in_its_pixels_is_truncated():
    with pytest.raises(TruncatedImageError, match="are announced"):
        read_bmp(bmp()[:-1], LIMITS)


@pytest.mark.parametrize(
    ("place", "form", "value", "error"),
    [
        (18, "<i", 2**31 - 1, TooLargeError),
        (28, "<H", 7, DamagedImageError),
        (30, "<I", 1, UnsupportedImageError),
        (30, "<I", 4, UnsupportedImageError),
        (14, "<I", 13000, DamagedImageError),
    ],
)
def test_a_header_that_cannot_be_is_refused(place: int, form: str, value: int, error: type[ImageError]):
    with pytest.raises(error):
        read_bmp(changed(bmp(), place, form, value), LIMITS)
