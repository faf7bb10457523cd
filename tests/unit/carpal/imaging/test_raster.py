"""PNG and JPEG: what decodes, and how what does not is refused."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from carpal.imaging.errors import (
    DamagedImageError,
    EmptyImageError,
    TooLargeError,
    TruncatedImageError,
    UnsupportedImageError,
)
from carpal.imaging.limits import Limits
from carpal.imaging.raster import PNG_SIGNATURE, Raster, grey, read_jpeg, read_png

LIMITS = Limits()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(header: tuple[int, int, int, int], rows: bytes, *, before: bytes = b"") -> bytes:
    """A PNG written by hand: (width, height, bits, mode) and raw rows, each with its filter byte."""
    width, height, bits, mode = header
    ihdr = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, mode, 0, 0, 0))
    return PNG_SIGNATURE + ihdr + before + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def jpeg(pixels: np.ndarray, *options: int) -> bytes:
    return cv2.imencode(".jpg", pixels, list(options))[1].tobytes()


@pytest.fixture(scope="module")
def ramp() -> np.ndarray:
    return np.tile(np.arange(0, 256, 2, dtype=np.uint8), (64, 1))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_pixels_survive_exactly(dtype: type):
    pixels = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (7, 5), dtype=dtype, endpoint=True)
    raster = read_png(cv2.imencode(".png", pixels)[1].tobytes(), LIMITS)
    assert raster.pixels.dtype == dtype
    assert (raster.pixels == pixels).all()
    assert raster.bits == np.iinfo(dtype).bits


def test_one_bit_pixels_are_spread_over_the_full_range():
    raster = read_png(png((8, 1, 1, 0), b"\x00\xa5"), LIMITS)
    assert raster.pixels.tolist() == [[255, 0, 255, 0, 0, 255, 0, 255]]
    assert raster.bits == 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_colours_that_are_all_grey_give_that_grey(dtype: type):
    pixels = np.random.default_rng(1).integers(0, np.iinfo(dtype).max, (6, 4), dtype=dtype, endpoint=True)
    assert (grey(np.repeat(pixels[:, :, None], 3, axis=2)) == pixels).all()


def test_colour_becomes_its_luma():
    bgr = np.zeros((1, 3, 3), np.uint8)
    bgr[0, 0, 2] = bgr[0, 1, 1] = bgr[0, 2, 0] = 255
    assert grey(bgr).tolist() == [[76, 150, 29]]


def test_a_palette_is_looked_up():
    palette = chunk(b"PLTE", bytes([0, 0, 0, 10, 10, 10, 200, 200, 200]))
    assert read_png(png((3, 1, 8, 3), b"\x00\x00\x01\x02", before=palette), LIMITS).pixels.tolist() == [[0, 10, 200]]


def test_an_interlaced_image_is_read():
    ihdr = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 2, 8, 0, 0, 0, 1))
    data = chunk(b"IDAT", zlib.compress(b"\0\x07\0\x09"))  # its first pass and its last have a row each
    assert read_png(PNG_SIGNATURE + ihdr + data + chunk(b"IEND", b""), LIMITS).pixels.tolist() == [[7], [9]]


def test_alpha_is_laid_over_black():
    assert read_png(png((3, 1, 8, 4), bytes([0, 200, 255, 200, 51, 200, 0])), LIMITS).pixels.tolist() == [[200, 40, 0]]


def test_opaque_alpha_changes_nothing():
    assert read_png(png((2, 1, 8, 4), bytes([0, 200, 255, 7, 255])), LIMITS).pixels.tolist() == [[200, 7]]


def test_a_channel_axis_of_one_goes():
    assert grey(np.zeros((2, 3, 1), np.uint8)).shape == (2, 3)


def test_pixels_to_the_metre_become_millimetres():
    physical = chunk(b"pHYs", struct.pack(">IIB", 5000, 8000, 1))
    assert read_png(png((1, 1, 8, 0), b"\x00\x05", before=physical), LIMITS).pixel_mm == (0.125, 0.2)


def test_pixels_to_an_unknown_unit_say_nothing():
    physical = chunk(b"pHYs", struct.pack(">IIB", 5000, 8000, 0))
    assert read_png(png((1, 1, 8, 0), b"\x00\x05", before=physical), LIMITS).pixel_mm is None


def test_a_png_cut_anywhere_is_refused_as_truncated(grey_png: Callable[..., bytes]):
    body = grey_png(20, 20)
    for end in range(8, len(body)):
        with pytest.raises(TruncatedImageError):
            read_png(body[:end], LIMITS)


def test_a_png_with_one_changed_byte_is_refused(grey_png: Callable[..., bytes]):
    body = bytearray(grey_png(20, 20))
    body[len(body) // 2] ^= 0xFF
    with pytest.raises(DamagedImageError, match="checksum"):
        read_png(bytes(body), LIMITS)


def test_a_png_whose_content_is_no_deflate_stream_is_refused():
    body = png((2, 2, 8, 0), b"")
    with pytest.raises(DamagedImageError, match="does not decode"):
        read_png(body, LIMITS)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (PNG_SIGNATURE + chunk(b"IDAT", b"x") + chunk(b"IEND", b""), "header"),
        (PNG_SIGNATURE + chunk(b"IHDR", b"short") + chunk(b"IEND", b""), "5 bytes"),
        (
            PNG_SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 0)) + chunk(b"IEND", b""),
            "IDAT|data",
        ),
        (png((1, 1, 3, 0), b"\0\0"), "3 bits in colour mode 0"),
        (png((1, 1, 8, 9), b"\0\0"), "colour mode 9"),
    ],
)
def test_a_png_against_the_rules_is_refused(body: bytes, said: str):
    with pytest.raises(DamagedImageError, match=said):
        read_png(body, LIMITS)


def test_a_png_bomb_is_refused_by_its_header():
    with pytest.raises(TooLargeError, match="60000 x 60000"):
        read_png(png((60_000, 60_000, 16, 0), b"tiny"), LIMITS)


def test_a_png_without_pixels_is_refused():
    with pytest.raises(EmptyImageError):
        read_png(png((0, 4, 8, 0), b""), LIMITS)


def test_a_jpeg_gives_its_luma(ramp: np.ndarray):
    raster = read_jpeg(jpeg(ramp, cv2.IMWRITE_JPEG_QUALITY, 100), LIMITS)
    assert raster.bits == 8
    assert np.abs(raster.pixels.astype(int) - ramp).max() <= 2


def test_a_progressive_colour_jpeg_gives_its_luma(ramp: np.ndarray):
    body = jpeg(cv2.merge([ramp] * 3), cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_QUALITY, 100)
    assert np.abs(read_jpeg(body, LIMITS).pixels.astype(int) - ramp).max() <= 2


def test_a_jpeg_keeps_the_orientation_that_it_is_stored_in(ramp: np.ndarray):
    body = jpeg(ramp)
    tiff = b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0) + b"\0\0\0\0"
    exif = b"Exif\0\0" + tiff
    turned = body[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + body[2:]
    assert read_jpeg(turned, LIMITS).pixels.shape == ramp.shape


def test_a_jpeg_cut_anywhere_is_refused_as_truncated(ramp: np.ndarray):
    body = jpeg(ramp)
    for end in range(3, len(body) - 1):
        with pytest.raises(TruncatedImageError):
            read_jpeg(body[:end], LIMITS)


def test_fill_bytes_between_jpeg_markers_are_allowed(ramp: np.ndarray):
    body = jpeg(ramp)
    assert read_jpeg(body[:2] + b"\xff\xff" + body[2:], LIMITS).pixels.shape == ramp.shape


def test_a_jpeg_without_a_marker_where_one_must_be_is_refused(ramp: np.ndarray):
    body = jpeg(ramp)
    with pytest.raises(DamagedImageError, match="no marker at byte 2"):
        read_jpeg(body[:2] + b"\x00" + body[2:], LIMITS)


@pytest.mark.parametrize(("marker", "bits"), [(0xC3, 8), (0xC1, 12), (0xC9, 8)])
def test_lossless_12_bit_and_arithmetic_jpegs_are_refused_by_their_header(ramp: np.ndarray, marker: int, bits: int):
    body = bytearray(jpeg(ramp))
    frame = body.index(b"\xff\xc0")
    body[frame + 1], body[frame + 4] = marker, bits
    with pytest.raises(UnsupportedImageError, match=f"{bits} bits"):
        read_jpeg(bytes(body), LIMITS)


def test_a_jpeg_bomb_is_refused_by_its_header(ramp: np.ndarray):
    body = bytearray(jpeg(ramp))
    frame = body.index(b"\xff\xc0")
    body[frame + 5 : frame + 9] = struct.pack(">HH", 65_000, 65_000)
    with pytest.raises(TooLargeError):
        read_jpeg(bytes(body), LIMITS)


def test_a_jpeg_that_libjpeg_refuses_is_damaged(ramp: np.ndarray):
    body = bytearray(jpeg(ramp))
    table = body.index(b"\xff\xc4")
    body[table + 5 : table + 21] = b"\xff" * 16  # a Huffman table with more codes than bits allow
    with pytest.raises(DamagedImageError, match="JPEG does not decode"):
        read_jpeg(bytes(body), LIMITS)


def stripes(colourful: bool) -> np.ndarray:
    """BGR [64, 64, 3]: red and blue in turns, or two greys."""
    pixels = np.full((64, 64, 3), 90, np.uint8)
    pixels[:, 32:] = (20, 20, 200) if colourful else 200
    return pixels


@pytest.mark.parametrize(("suffix", "reader"), [(".png", read_png), (".jpg", read_jpeg)])
def test_a_picture_in_colours_says_how_colourful_it_is(suffix: str, reader: Callable[..., Raster]):
    def colour(pixels: np.ndarray) -> float | None:
        return reader(cv2.imencode(suffix, pixels)[1].tobytes(), LIMITS).colour

    assert colour(stripes(True)) == pytest.approx(180 / 255 / 2, abs=0.03)
    assert colour(stripes(False)) == pytest.approx(0, abs=0.01)
    assert colour(stripes(False)[:, :, 0]) is None
