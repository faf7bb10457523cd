"""Whether the scans of a JPEG are complete, and streams that make libjpeg find out."""

from __future__ import annotations

import itertools
from io import BytesIO

import cv2
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.encaps import get_frame
from tests.unit.carpal.imaging.samples import FORMS, jpeg, sample, scan

from carpal.imaging.jpeg_scans import is_incomplete, with_impossible_tail, without_last_bytes

END, SCAN, TABLE = b"\xff\xd9", b"\xff\xda", b"\xff\xc4"


def stream(name: str) -> bytes:
    ds = pydicom.dcmread(sample(name))
    return get_frame(ds.PixelData, 0, number_of_frames=1)


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("form", sorted(FORMS))
def test_a_sound_jpeg_is_complete(form: str, colour: bool):
    assert not is_incomplete(jpeg(form, colour=colour))


@pytest.mark.parametrize("colour", [False, True])
def test_a_progressive_jpeg_without_one_of_its_scans_is_incomplete(colour: bool):
    body = jpeg("progressive", colour=colour)
    starts = [place for place in range(len(body)) if body.startswith(SCAN, place)]
    assert len(starts) > 4
    for before, start in itertools.pairwise(starts):
        table = body.rfind(TABLE, before, start)
        assert is_incomplete(body[: table if table > 0 else start] + END)


def test_a_sequential_jpeg_without_the_scan_of_a_component_is_incomplete():
    body = jpeg(colour=True)
    begin = body.index(SCAN)
    ids = body[begin + 5 : begin + 11 : 2]
    scans = [SCAN + b"\0\x08\1" + bytes((number, 0)) + b"\0\x3f\0" + b"\x12" for number in ids]
    assert not is_incomplete(body[:begin] + b"".join(scans) + END)
    for place in range(3):
        assert is_incomplete(body[:begin] + b"".join(scans[:place] + scans[place + 1 :]) + END)


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xd8", b"\xff\xd8" + END, b"\xff\xd8\xff\xda\0", b"\xff\xd8\xff\xc0\xff\xff"]
)
def test_what_is_no_jpeg_lacks_no_scan_and_keeps_its_bytes(body: bytes):
    assert not is_incomplete(body)
    assert with_impossible_tail(body) == body


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGB"])
def test_jpegs_of_another_writer_are_complete(mode: str):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 48, {"L": 1, "RGB": 3, "CMYK": 4}[mode]), dtype=np.uint8)
    saved = BytesIO()
    Image.fromarray(pixels.squeeze(), mode).save(saved, "JPEG", progressive=True)
    assert not is_incomplete(saved.getvalue())


@pytest.mark.parametrize("form", sorted(FORMS))
def test_the_tail_changes_no_pixel(form: str):
    body = jpeg(form)
    tailed = cv2.imdecode(np.frombuffer(with_impossible_tail(body), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert np.array_equal(tailed, cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_GRAYSCALE))


def test_the_tail_stands_before_the_end_marker_and_replaces_what_is_behind_it():
    body = jpeg()
    assert with_impossible_tail(body[:-2]) == with_impossible_tail(body) == with_impossible_tail(body + b"\0")
    assert with_impossible_tail(body) == body[:-2] + b"\xff\0" * 16 + END


def test_spectral_limits_of_a_sequential_scan_are_set_and_those_of_other_scans_kept():
    wrong, right = stream("JPEG-lossy.dcm"), stream("JPGExtended.dcm")
    assert wrong[: scan(wrong)][-3:] == b"\0\0\0"
    assert with_impossible_tail(wrong) == with_impossible_tail(right)
    lossless = stream("JPEG-LL.dcm")  # the limits are predictor and point transform there
    assert with_impossible_tail(lossless).startswith(lossless[: scan(lossless)])
    progressive = jpeg("progressive")
    assert with_impossible_tail(progressive).startswith(progressive[:-2])


def test_an_arithmetic_coded_stream_is_unchanged():
    body = jpeg().replace(b"\xff\xc0", b"\xff\xc9", 1)
    assert with_impossible_tail(body) == body


def test_only_a_stream_with_a_run_of_zeros_is_shortened():
    body = jpeg()
    assert without_last_bytes(body) is None
    place = scan(body) + 100
    hollow = body[:place] + bytes(64) + body[place + 64 :]
    assert without_last_bytes(hollow) == with_impossible_tail(hollow[:-34])
