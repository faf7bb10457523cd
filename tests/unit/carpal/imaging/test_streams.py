"""The size in a compressed stream's own header."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest

from carpal.imaging.streams import stream_size

FRAME = b"\xff\xc3\0\x0b\x0c" + struct.pack(">HH", 300, 400) + b"\1\1\x11\0"
SIZES = struct.pack(">IIII", 110, 220, 10, 20)


def test_a_jpeg_says_its_size():
    body = cv2.imencode(".jpg", np.zeros((30, 40), np.uint8))[1].tobytes()
    assert stream_size(body) == (40, 30)


def test_the_size_is_found_behind_other_segments_and_fill_bytes():
    assert stream_size(b"\xff\xd8\xff\xff\xfe\0\x04hi" + FRAME) == (400, 300)


def test_jpeg_ls_says_its_size():
    assert stream_size(b"\xff\xd8" + FRAME.replace(b"\xc3", b"\xf7")) == (400, 300)


@pytest.mark.parametrize("before", [b"", b"\0\0\0\x0cjP  a box"])
def test_jpeg_2000_says_its_size_without_the_offset(before: bytes):
    assert stream_size(before + b"\xff\x4f\xff\x51\0\x29\0\0" + SIZES) == (100, 200)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xd8",
        b"\xff\xd8\xff\xda\0\x08" + b"\0" * 20,
        b"\xff\xd8\0" + FRAME,
        b"\xff\x4f\xff\x51\0\x29",
        b"RIFF",
    ],
)
def test_where_no_size_is_none_is_made_up(body: bytes):
    assert stream_size(body) is None
