"""One style: vectors that follow the page's colours, labels that never overlap, no shared state."""

from __future__ import annotations

import re
import sys
from xml.etree import ElementTree

import cv2
import matplotlib
import numpy as np
import pytest

from carpal.reports import style
from carpal.reports.palette import LIGHT


def picture(name: str = "test") -> str:
    figure = style.plot()
    panel = style.axes(figure, x="time (s)", y="latency (ms)")
    style.line(panel, [0, 1, 2], [1, 2, 3])
    style.band(panel, [0, 1, 2], [0, 1, 2], [2, 3, 4])
    style.threshold(panel, 2.5, "objective: 2.5 ms")
    style.label_ends(panel, [style.End(2, 3, "p50 <now>")])
    return style.svg(figure, name)


def test_a_drawing_is_one_well_formed_element_without_an_address() -> None:
    drawing = picture()
    assert ElementTree.fromstring(drawing).tag == "svg"
    assert "http" not in drawing
    assert "<style" not in drawing


def test_a_drawing_takes_its_colours_from_the_page() -> None:
    drawing = picture()
    bare = set(re.findall(r"(?<!, )#[0-9a-f]{6}\b", drawing))
    assert not bare, f"colours that do not follow the theme: {bare}"
    for name in ("--ink", "--series-1", "--muted", "--rule"):
        assert f"var({name}," in drawing


def test_a_drawing_holds_text_as_text_with_units_on_the_axes() -> None:
    said = " ".join(ElementTree.fromstring(picture()).itertext())
    for text in ("time (s)", "latency (ms)", "objective: 2.5 ms", "p50 <now>"):
        assert text in said


def test_ids_of_two_drawings_do_not_meet() -> None:
    first, second = (set(re.findall(r'\bid="([^"]+)"', picture(name))) for name in ("one", "two"))
    assert first
    assert not first & second
    references = set(re.findall(r'(?:href="#|url\(#)([^")]+)', picture("one")))
    assert references
    assert references <= first


def test_the_same_plot_gives_the_same_bytes() -> None:
    assert picture() == picture()


def test_a_png_has_the_size_that_was_asked_for_and_light_paper() -> None:
    figure = style.plot(200, 100)
    style.axes(figure, x="x (1)", y="y (1)")
    image = cv2.imdecode(np.frombuffer(style.png(figure, scale=3), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert image.shape == (300, 600, 3)
    assert image[0, 0].tolist() == [255, 255, 255]


def test_a_ninth_line_is_refused() -> None:
    assert len({style.colour(series) for series in range(8)}) == 8
    with pytest.raises(ValueError, match="draw a panel each"):
        style.colour(8)


@pytest.mark.parametrize(
    ("wanted", "places"),
    [
        ([], []),
        ([50.0], [50.0]),
        ([10.0, 60.0], [10.0, 60.0]),
        ([50.0, 50.0, 50.0], [50.0, 65.0, 80.0]),
        ([98.0, 99.0, 100.0], [70.0, 85.0, 100.0]),
        ([-5.0, 3.0], [0.0, 15.0]),
    ],
)
def test_labels_are_moved_apart_and_stay_inside(wanted: list[float], places: list[float]) -> None:
    assert style.spread(wanted, 15.0, 100.0) == places


def test_more_labels_than_fit_share_the_room_evenly() -> None:
    assert style.spread([0.0] * 5, 50.0, 100.0) == pytest.approx([0.0, 25.0, 50.0, 75.0, 100.0])


def test_labels_at_line_ends_do_not_overlap_in_the_picture() -> None:
    figure = style.plot()
    panel = style.axes(figure, x="epoch", y="loss (1)")
    for series in range(4):
        style.line(panel, [0, 1], [0, 1 + series / 1000], series)
    style.label_ends(panel, [style.End(1, 1 + series / 1000, f"line {series}", series) for series in range(4)])
    heights = sorted(float(y) for y in re.findall(r'y="([\d.]+)"[^>]*>line \d<', style.svg(figure, "ends")))
    assert len(heights) == 4
    assert min(np.diff(heights)) >= 14


def test_drawing_leaves_matplotlib_as_it_was() -> None:
    before = dict(matplotlib.rcParams)
    picture()
    assert dict(matplotlib.rcParams) == before
    assert matplotlib.rcParams["text.color"] != LIGHT.ink
    assert "carpal.reports.style" in sys.modules
