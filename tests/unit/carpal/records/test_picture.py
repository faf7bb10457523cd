"""The annotated picture: true aspect, boxes at their places, labels outside every box."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from carpal.detection.detector import Detector
from carpal.imaging.radiograph import Radiograph
from carpal.imaging.readers import read
from carpal.records import picture
from carpal.records.palette import colour_of
from carpal.records.picture import FOOTER_PX, HEADER_PX, LONGER_SIDE_PX, MARGIN_PX, draw
from carpal.records.record import Box, Finding, PixelSpacing, Record


def finding(x0: float, y0: float, x1: float, y1: float, *, label: str = "fracture", sure: bool = True) -> Finding:
    status: Any = "confirmed" if sure else "possible"
    return Finding(label=label, box=Box(x0=x0, y0=y0, x1=x1, y1=y1), probability=0.9, status=status)


def scene(
    detector: Detector,
    *findings: Finding,
    size: tuple[int, int] = (200, 100),
    spacing: PixelSpacing | None = None,
    name: str = "wrist",
) -> tuple[Radiograph, Record]:
    """A radiograph of height x width and a record with these findings."""
    pixels = np.random.default_rng(0).integers(1, 60, size).astype(np.uint8)
    radiograph = read(cv2.imencode(".png", pixels)[1].tobytes(), name=name)
    radiograph = Radiograph(radiograph.pixels, radiograph.source.model_copy(update={"pixel_spacing": spacing}))
    record = detector.detect(radiograph)
    return radiograph, record.model_copy(update={"findings": findings, "source": radiograph.source})


def drawn(radiograph: Radiograph, record: Record) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(draw(radiograph, record), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image


def coloured(canvas: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return (canvas == colour).all(axis=2)


def test_the_radiograph_keeps_its_aspect(detector: Detector):
    canvas = drawn(*scene(detector))
    assert canvas.shape[0] == HEADER_PX + LONGER_SIDE_PX + FOOTER_PX
    inner = canvas[HEADER_PX:-FOOTER_PX, MARGIN_PX : MARGIN_PX + LONGER_SIDE_PX // 2]
    assert (inner.max(axis=2) > 0).mean() > 0.9
    assert not canvas[HEADER_PX:-FOOTER_PX, MARGIN_PX + LONGER_SIDE_PX // 2 :].any()


def test_pixels_that_are_not_square_are_drawn_as_they_are(detector: Detector):
    spacing = PixelSpacing(row_mm=0.1, column_mm=0.2, tag="PixelSpacing")
    canvas = drawn(*scene(detector, size=(100, 100), spacing=spacing))
    assert canvas.shape[:2] == (HEADER_PX + 500 + FOOTER_PX, LONGER_SIDE_PX + 2 * MARGIN_PX)


def test_a_confirmed_box_is_solid_and_a_possible_one_dashed_at_the_same_place(detector: Detector):
    shares = []
    for sure in (True, False):
        canvas = drawn(*scene(detector, finding(20, 40, 80, 160, sure=sure)))
        # 100 x 200 px are drawn five times as large.
        edge = coloured(canvas, colour_of(0))[HEADER_PX + 200 : HEADER_PX + 800, MARGIN_PX + 100]
        shares.append(edge.mean())
    assert shares[0] > 0.95
    assert 0.4 < shares[1] < 0.7


@pytest.mark.parametrize("sure", [True, False])
def test_a_box_far_outside_is_cut_at_the_border(detector: Detector, sure: bool, monkeypatch: pytest.MonkeyPatch):
    """Found by fuzzing: a hundred thousand dashes a side where nobody sees them."""
    strokes: list[object] = []
    line = cv2.line
    monkeypatch.setattr(picture.cv2, "line", lambda *given: (strokes.append(given), line(*given)))
    canvas = drawn(*scene(detector, finding(-1e6, 40, 1e6, 1e9, sure=sure)))
    assert len(strokes) < 500
    assert coloured(canvas, colour_of(0)).any()


def test_each_class_has_its_own_colour(detector: Detector):
    canvas = drawn(*scene(detector, finding(10, 20, 40, 50), finding(60, 120, 90, 150, label="text")))
    assert coloured(canvas, colour_of(0)).any()
    assert coloured(canvas, colour_of(1)).any()


def test_a_label_in_the_column_is_drawn_on_the_canvas_with_a_line_to_its_box(detector: Detector):
    beside = drawn(*scene(detector, finding(20, 40, 60, 90)))
    canvas = drawn(*scene(detector, finding(0, 0, 100, 200)))
    assert canvas.shape[1] > beside.shape[1]
    column = coloured(canvas, colour_of(0))[:, -picture.COLUMN_PX :]
    assert column.any()
    assert not column[:, -4:].any()


def test_more_findings_than_a_column_holds_are_still_drawn(detector: Detector):
    many = [finding(0, 0, 100, 200)] * 200
    assert drawn(*scene(detector, *many)).shape[1] > LONGER_SIDE_PX // 2


def test_a_known_spacing_gives_a_scale_bar_of_the_right_length(detector: Detector):
    spacing = PixelSpacing(row_mm=0.5, column_mm=0.5, tag="PixelSpacing")
    canvas = drawn(*scene(detector, spacing=spacing))
    # 100 px of 0.5 mm are 50 mm wide and 500 px on the canvas; the longest round length below a third of it is 10 mm.
    row = canvas[HEADER_PX + LONGER_SIDE_PX + FOOTER_PX // 2, MARGIN_PX : MARGIN_PX + 108].min(axis=1)
    assert (row[:98] > 200).all()
    assert not row[104:].any()


def test_without_spacing_there_is_no_scale_bar(detector: Detector):
    assert not drawn(*scene(detector))[-FOOTER_PX:].any()


def test_an_image_too_small_for_any_round_length_has_no_scale_bar(detector: Detector):
    spacing = PixelSpacing(row_mm=0.001, column_mm=0.001, tag="PixelSpacing")
    assert not drawn(*scene(detector, spacing=spacing))[-FOOTER_PX:].any()


def test_the_same_record_gives_the_same_bytes(detector: Detector):
    radiograph, record = scene(detector, finding(20, 40, 80, 160))
    assert draw(radiograph, record) == draw(radiograph, record)


def test_a_long_name_is_cut_to_the_width(detector: Detector):
    short, long = scene(detector, name="a" * 20), scene(detector, name="ü" * 400)
    assert drawn(*short).shape == drawn(*long).shape
    assert picture._shorten("x" * 500, 100).endswith("...")


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (1500, 1200)])
def test_images_of_any_shape_are_drawn(detector: Detector, size: tuple[int, int]):
    assert drawn(*scene(detector, finding(0, 0, 1, 1, sure=False), size=size)).size
