import numpy as np
import pytest

from carpal.phantoms.canvas import Canvas, smooth

SQUARE_MM = np.array([[2.0, 3.0], [6.0, 3.0], [6.0, 9.0], [2.0, 9.0]])


@pytest.fixture
def canvas() -> Canvas:
    """Ten pixels a millimetre, the origin at (5, 10) px."""
    return Canvas(120, 80, np.array([[10.0, 0, 5], [0, 10.0, 10]]))


def test_a_filled_square_covers_its_area(canvas: Canvas):
    patch = canvas.fill(SQUARE_MM)
    assert patch is not None
    # 40 x 60 pixels, and the border's own row and column.
    assert patch.cover.sum() == pytest.approx(41 * 61, rel=0.02)


def test_a_stroke_is_as_thick_as_it_says(canvas: Canvas):
    patch = canvas.stroke(np.array([[1.0, 1.0], [7.0, 1.0]]), 0.8)
    assert patch is not None
    middle = patch.cover[:, patch.cover.shape[1] // 2]
    assert middle.sum() == pytest.approx(8, abs=1.5)


def test_what_lies_outside_the_frame_is_no_patch(canvas: Canvas):
    assert canvas.fill(SQUARE_MM + 100) is None
    assert canvas.stroke(SQUARE_MM - 100, 1.0) is None


def test_a_shape_far_larger_than_the_frame_covers_all_of_it(canvas: Canvas):
    patch = canvas.fill((SQUARE_MM - 5) * 1e4)
    assert patch is not None
    assert patch.cover.shape == (120, 80)
    assert patch.cover.min() == 1


def test_pixels_know_their_place_in_millimetres(canvas: Canvas):
    patch = canvas.fill(SQUARE_MM)
    assert patch is not None
    x, y = canvas.mm(patch)
    back = canvas.px(np.array([[x[3, 4], y[3, 4]]], float))[0]
    assert back == pytest.approx([patch.cols.start + 4, patch.rows.start + 3], abs=1e-3)


def test_a_mark_spans_its_parts_and_its_margin(canvas: Canvas):
    mark = canvas.mark([SQUARE_MM, SQUARE_MM + 1], 0.5)
    assert mark.box == pytest.approx((20, 35, 81, 116))


def test_smoothing_keeps_the_sum():
    spot = np.zeros((41, 41), np.float32)
    spot[20, 20] = 1
    assert smooth(spot, 2.0).sum() == pytest.approx(1, abs=1e-3)
