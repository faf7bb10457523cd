"""One image to what its caller gets."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from carpal.imaging.errors import MislabelledError
from carpal.imaging.readers import DirectReader
from carpal.records.record import Record
from carpal_detector.errors import BadTensorError
from carpal_detector.options import Options
from carpal_detector.reporting import Encoded, grey, report_file, report_pixels
from carpal_detector.served import Served


def test_a_file_gives_the_record_that_the_detector_gives(served: Served, grey_png: Callable[..., bytes]):
    report = report_file(served.detector, Encoded(grey_png(), "wrist"), Options(), DirectReader(), 1.25)
    expected = served.detector.detect(grey_png(), name="wrist")
    assert report.record.model_copy(update={"timings": expected.timings}) == expected
    assert report.record.timings.queue_ms == 1.25
    assert Record.parse_json(report.body, source="test") == report.record


def test_what_the_caller_says_of_a_file_must_be_true(served: Served, grey_png: Callable[..., bytes]):
    image = Encoded(grey_png(), media_type="image/jpeg")
    with pytest.raises(MislabelledError):
        report_file(served.detector, image, Options(), DirectReader(), 0.0)


def test_prepared_pixels_give_a_record_in_network_pixels(served: Served):
    pixels = np.full((1, 64, 64), 20, np.uint8)
    pixels[0, 8:16, 16:24] = 255
    record = report_pixels(served.detector, pixels, Options(), 0.0).record
    box = record.findings[0].box
    assert (box.x0, box.y0, box.x1, box.y1) == (16, 8, 24, 16)
    assert record.source.media_type == "application/x-tensor"


def test_formats_are_written_where_they_are_asked_for(served: Served):
    report = report_pixels(served.detector, np.zeros((1, 64, 64), np.uint8), Options(formats=("fhir-r4",)), 0.0)
    assert list(report.formats) == ["fhir-r4"]


def test_float_pixels_are_shares_of_full_scale():
    levels = np.arange(64 * 64, dtype=np.uint8).reshape(1, 64, 64)
    assert grey((levels / 255.0).astype(np.float32)).tolist() == levels.tolist()


def test_grey_pixels_are_looked_at_where_they_are():
    levels = np.arange(64 * 64, dtype=np.uint8).reshape(1, 64, 64)
    assert np.shares_memory(grey(levels), levels)


@pytest.mark.parametrize("value", [1.5, -0.1, np.nan, np.inf])
def test_float_pixels_outside_the_scale_are_refused(value: float):
    pixels = np.zeros((1, 64, 64), np.float32)
    pixels[0, 5, 5] = value
    with pytest.raises(BadTensorError):
        grey(pixels)
