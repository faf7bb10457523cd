import numpy as np
import pytest

from carpal.phantoms.hardware import ForeignBody, Metal


def span(mask: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero(mask)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


@pytest.mark.parametrize("view", ["ap", "lateral"])
@pytest.mark.parametrize("metal", [Metal("wires", "radius", 0.0, 2, 25.0), Metal("plate", "ulna", 14.0, 4, 0.0)])
def test_metal_fills_its_box(paint, view, metal):
    _, film, (box,) = paint(metal, view)
    assert np.array(span(film.metal > 0.5)) == pytest.approx(np.array(box), abs=12)
    assert film.metal.max() > 0.9


def test_a_plate_shows_its_screws_from_the_side(paint):
    front = paint(Metal("plate", "radius", 14.0, 3, 0.0), "ap")[1].metal
    side = paint(Metal("plate", "radius", 14.0, 3, 0.0), "lateral")[1].metal
    assert np.ptp(np.nonzero(side > 0.5)[1]) > 1.4 * np.ptp(np.nonzero(front > 0.5)[1])


def test_a_foreign_body_lies_in_the_soft_tissue_within_its_box(paint):
    plain, film, (box,) = paint(ForeignBody(20.0, 1, 0.3, 4.0, 1.4, 30.0))
    gain = film.mineral - plain.mineral
    x0, y0, x1, y1 = span(gain > 1)
    assert int(box[0]) <= x0
    assert int(box[1]) <= y0
    assert x1 <= box[2] + 1
    assert y1 <= box[3] + 1
    assert plain.soft[gain > 5].min() > 1
    assert plain.mineral[gain > 5].max() < 0.5
