"""JPEG whose data is damaged is not taken for a sound image."""

from __future__ import annotations

from contextlib import suppress

import cv2
import numpy as np
import pytest
from tests.unit.carpal.imaging.samples import FORMS, jpeg, scan

from carpal.errors import ImageError
from carpal.imaging.errors import DamagedImageError
from carpal.imaging.jpeg_decoder import decode_grey
from carpal.imaging.readers import read


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("form", sorted(FORMS))
def test_pixels_are_those_of_opencv(form: str, colour: bool):
    body = jpeg(form, colour=colour)
    pixels, irregularities = decode_grey(body)
    assert np.array_equal(pixels, cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_GRAYSCALE))
    assert irregularities == ()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("form", sorted(FORMS))
def test_lost_data_with_an_end_marker_behind_it_is_refused(form: str, share: float):
    body = jpeg(form)
    begin = scan(body)
    cut = body[: begin + int((len(body) - begin) * share)].rstrip(b"\xff") + b"\xff\xd9"
    with pytest.raises(DamagedImageError, match="does not decode"):
        decode_grey(cut)
    with pytest.raises(ImageError):
        read(cut)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("form", sorted(FORMS))
def test_a_hole_of_zeros_is_refused_or_at_least_noted(form: str, seed: int):
    """A scan of a progressive JPEG can decode by chance; what is left of its bytes is noted then."""
    body = bytearray(jpeg(form, seed=seed))
    begin = scan(bytes(body)) + int(np.random.default_rng(seed).integers(50, 500))
    body[begin : begin + 600] = bytes(600)
    if form == "progressive":
        with suppress(DamagedImageError):
            assert decode_grey(bytes(body))[1] != ()
        return
    with pytest.raises(DamagedImageError):
        decode_grey(bytes(body))


def test_bytes_between_two_segments_are_noted_and_the_pixels_are_right():
    body = jpeg()
    place = body.index(b"\xff\xda")
    padded = body[:place] + b"\0\0\0" + body[place:]
    pixels, irregularities = decode_grey(padded)
    assert np.array_equal(pixels, decode_grey(body)[0])
    assert irregularities == ("JPEG: Corrupt JPEG data: 3 extraneous bytes before marker 0xda",)


@pytest.mark.parametrize("body", [b"", b"\xff\xd8\xff", b"\xff\xd8" + b"\0" * 50, jpeg()[:100]])
def test_what_is_no_jpeg_is_refused(body: bytes):
    with pytest.raises(DamagedImageError):
        decode_grey(body)
