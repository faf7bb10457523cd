"""Radiographs on a page: true aspect, two styles of boxes, labels beside findings and never on them."""

from __future__ import annotations

import base64
import re
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

from carpal.imaging.radiograph import Radiograph
from carpal.records.record import Box, Conclusion, Finding, Model, PixelSpacing, Quality, Record, Source, Timings
from carpal.reports import radiograph

DIGEST = "sha256:" + "0" * 64


def finding(x0: float, y0: float, x1: float, y1: float, label: str = "fracture", probability: float = 0.9) -> Finding:
    status = "confirmed" if probability >= 0.5 else "possible"
    return Finding(label=label, box=Box(x0=x0, y0=y0, x1=x1, y1=y1), probability=probability, status=status)


def made(
    *findings: Finding, width: int = 400, height: int = 600, spacing: PixelSpacing | None = None
) -> tuple[Radiograph, Record]:
    source = Source(
        digest=DIGEST,
        name="wrist",
        media_type="image/png",
        width_px=width,
        height_px=height,
        bits=8,
        pixel_spacing=spacing,
    )
    record = Record(
        id="x",
        source=source,
        quality=Quality(sharpness=0, noise=0, clipped_share=0, padded_share=0, exposure=0),
        findings=findings,
        conclusions=tuple(
            Conclusion(label=label, status="absent", probability=0) for label in ("fracture", "text", "<b>")
        ),
        model=Model(
            name="m",
            version="1",
            digest=DIGEST,
            variant="model.onnx",
            engine="e",
            engine_version="1",
            precision="float32",
        ),
        preprocessing_digest=DIGEST,
        timings=Timings(),
    )
    pixels = np.random.default_rng(0).integers(0, 255, (height, width), dtype=np.uint8)
    return Radiograph(pixels, source), record


def parts(markup: str) -> ElementTree.Element:
    return ElementTree.fromstring(markup)


def size(markup: str) -> tuple[float, float]:
    view = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', markup)
    assert view
    return float(view[1]), float(view[2])


def outlines(markup: str) -> list[ElementTree.Element]:
    return [rect for rect in parts(markup).iter("rect") if rect.get("fill") == "none"]


def test_the_aspect_is_true_and_the_ground_black() -> None:
    drawing = radiograph.draw(*made())
    width, height = size(drawing.markup)
    assert width / height == pytest.approx(400 / 600, rel=0.01)
    ground = parts(drawing.markup).find("rect")
    assert ground is not None
    assert ground.get("fill") == "#000"


def test_the_aspect_is_that_of_the_body_where_rows_and_columns_are_not_equally_far_apart() -> None:
    spacing = PixelSpacing(row_mm=0.2, column_mm=0.1, tag="PixelSpacing")
    image = parts(radiograph.draw(*made(spacing=spacing)).markup).find("image")
    assert image is not None
    assert float(image.get("width", 0)) / float(image.get("height", 0)) == pytest.approx(400 / 1200, rel=0.01)


def test_boxes_lie_where_the_findings_are() -> None:
    markup = radiograph.draw(*made(finding(100, 150, 200, 300))).markup
    scale = size(markup)[0] / 400
    (box,) = outlines(markup)
    found = [float(box.get(key, 0)) for key in ("x", "y", "width", "height")]
    assert found == pytest.approx([100 * scale, 150 * scale, 100 * scale, 150 * scale], abs=0.06)


def test_confirmed_boxes_are_solid_and_possible_ones_dashed() -> None:
    markup = radiograph.draw(*made(finding(10, 10, 50, 50), finding(100, 100, 150, 150, probability=0.3))).markup
    assert [box.get("stroke-dasharray") for box in outlines(markup)] == [None, "5 4"]


def test_labels_cover_no_finding_and_no_other_label() -> None:
    crowd = [finding(20 + 40 * n, 200 + 30 * n, 90 + 40 * n, 300 + 30 * n, probability=0.9 - n / 20) for n in range(7)]
    markup = radiograph.draw(*made(*crowd)).markup
    labels = [rect for rect in parts(markup).iter("rect") if rect.get("opacity")]
    assert len(labels) == 7

    def edges(rect: ElementTree.Element) -> tuple[float, float, float, float]:
        x, y, width, height = (float(rect.get(key, 0)) for key in ("x", "y", "width", "height"))
        return x, y, x + width, y + height

    def touch(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
        return a[0] < b[2] - 0.1 and b[0] < a[2] - 0.1 and a[1] < b[3] - 0.1 and b[1] < a[3] - 0.1

    places = [edges(label) for label in labels]
    boxes = [edges(box) for box in outlines(markup)]
    assert not any(touch(place, box) for place in places for box in boxes)
    assert not any(touch(a, b) for n, a in enumerate(places) for b in places[:n])
    width, height = size(markup)
    assert all(
        place[0] >= 0 and place[1] >= 0 and place[2] <= width + 0.1 and place[3] <= height + 0.1 for place in places
    )


def test_a_scale_bar_is_as_long_as_it_says() -> None:
    spacing = PixelSpacing(row_mm=0.1, column_mm=0.1, tag="PixelSpacing")
    markup = radiograph.draw(*made(spacing=spacing)).markup
    image = parts(markup).find("image")
    line = re.search(r"M4 ([\d.]+)H([\d.]+)", markup)
    assert image is not None
    assert line
    px_per_mm = float(image.get("width", 0)) / 40  # 400 columns of 0.1 mm
    assert (float(line[2]) - 4) / px_per_mm == pytest.approx(20, rel=0.01)
    assert ">20 mm</text>" in markup
    assert " mm<" not in radiograph.draw(*made()).markup


def test_the_pixels_travel_as_a_jpeg_that_is_never_larger_than_the_source() -> None:
    markup = radiograph.draw(*made(width=60, height=40)).markup
    body = re.search(r"data:image/jpeg;base64,([^\"]+)", markup)
    assert body
    image = cv2.imdecode(np.frombuffer(base64.b64decode(body[1]), np.uint8), cv2.IMREAD_UNCHANGED)
    assert image is not None
    assert image.shape == (40, 60)


def test_labels_are_escaped_and_the_words_say_what_is_seen() -> None:
    drawing = radiograph.draw(*made(finding(10, 10, 90, 90, label="<b>")))
    assert "&lt;b&gt; 0.90" in drawing.markup
    assert drawing.alt == "wrist: <b> 0.90 (confirmed)"
    assert radiograph.draw(*made()).alt == "wrist: nothing found"
    assert drawing.photo
