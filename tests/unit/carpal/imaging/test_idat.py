"""Image data of a PNG, inflated and stored: the same pixels, and the file as it is wherever something is unusual."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from itertools import pairwise

import cv2
import numpy as np
import pytest

from carpal.errors import ImageError
from carpal.imaging import idat
from carpal.imaging.limits import Limits
from carpal.imaging.raster import PNG_SIGNATURE, read_png


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(data: list[bytes], *, between: bytes = b"") -> tuple[bytes, list[slice]]:
    """An 8-bit grey PNG of 300 x 300 px whose data comes in these parts, and where they are."""
    body = PNG_SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 300, 300, 8, 0, 0, 0, 0))
    parts = []
    for one in data:
        parts.append(slice(len(body) + 8, len(body) + 8 + len(one)))
        body += chunk(b"IDAT", one) + between
    return body + chunk(b"IEND", b""), parts


@pytest.fixture(scope="module")
def rows() -> bytes:
    """Of noise, 300 a row, each with a filter of its own: 90,300 bytes, which is more than a stored block holds."""
    values = np.random.default_rng(0).integers(0, 256, (300, 301), dtype=np.uint8)
    values[:, 0] = np.arange(300) % 5
    return values.tobytes()


def test_rows_are_counted_in_whole_bytes_with_one_for_the_filter():
    assert idat.rows_bytes(9, 2, 1, 1) == 2 * (1 + 2)
    assert idat.rows_bytes(300, 300, 8, 1) == 90_300
    assert idat.rows_bytes(5, 1, 16, 4) == 1 + 40


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("level", [0, 1, 9])
def test_the_stored_file_has_the_same_pixels_and_the_same_other_chunks(rows: bytes, parts: int, level: int):
    data = zlib.compress(rows, level)
    ends = [len(data) * number // parts for number in range(parts + 1)]
    body, places = png([data[begin:end] for begin, end in pairwise(ends)])
    stored = idat.stored(body, places, len(rows))
    assert stored is not None
    assert zlib.decompress(stored[places[0].start : -16]) == rows  # 16: the checksum, and IEND
    assert stored.startswith(body[: places[0].start - 8])
    assert stored.endswith(body[-12:])
    expected = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_UNCHANGED)
    assert (cv2.imdecode(np.frombuffer(stored, np.uint8), cv2.IMREAD_UNCHANGED) == expected).all()


def test_data_that_is_not_in_a_row_is_left_to_the_decoder(rows: bytes):
    data = zlib.compress(rows)
    body, parts = png([data[:99], data[99:]], between=chunk(b"tEXt", b"a\0b"))
    assert idat.stored(body, parts, len(rows)) is None


def test_data_that_is_no_deflate_stream_is_left_to_the_decoder(rows: bytes):
    body, parts = png([b"x" * 99])
    assert idat.stored(body, parts, len(rows)) is None


def test_data_that_ends_too_soon_is_left_to_the_decoder(rows: bytes):
    body, parts = png([zlib.compress(rows[:-1])])
    assert idat.stored(body, parts, len(rows)) is None


def test_a_stream_without_its_checksum_is_left_to_the_decoder(rows: bytes):
    body, parts = png([zlib.compress(rows)[:-1]])
    assert idat.stored(body, parts, len(rows)) is None


def test_no_more_is_inflated_than_the_header_says(rows: bytes):
    body, parts = png([zlib.compress(rows + bytes(200_000_000))])
    tracemalloc.start()
    try:
        assert idat.stored(body, parts, len(rows)) is None
        assert tracemalloc.get_traced_memory()[1] < 10 * len(rows)
    finally:
        tracemalloc.stop()


def test_a_large_image_is_left_to_the_decoder(rows: bytes):
    body, parts = png([zlib.compress(rows)])
    assert idat.stored(body, parts, idat.MOST_BYTES + 1) is None


def test_a_damaged_stream_is_read_or_refused_as_the_decoder_alone_would(rows: bytes):
    random = np.random.default_rng(1)
    read = 0
    for _ in range(200):
        data = bytearray(zlib.compress(rows, 1))
        data[random.integers(len(data))] ^= 1 << random.integers(8)
        body, _ = png([bytes(data[: random.integers(len(data) - 8, len(data) + 1)])])
        alone = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_UNCHANGED)
        try:
            pixels = read_png(body, Limits()).pixels
        except ImageError:
            assert alone is None
        else:
            assert np.array_equal(pixels, alone)
            read += 1
    assert read < 200
