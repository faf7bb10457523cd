"""Affine maps and boxes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carpal.imaging.geometry import Affine, area, clip, iou

numbers = st.floats(-500, 500)
scales = st.floats(0.05, 20)


@given(
    scales, scales, numbers, numbers, st.lists(st.tuples(numbers, numbers, numbers, numbers), min_size=1, max_size=5)
)
def test_a_scaled_and_shifted_box_comes_back_within_a_hundredth_of_a_pixel(x, y, right, down, corners):
    boxes = np.array([[min(a, c), min(b, d), max(a, c), max(b, d)] for a, b, c, d in corners])
    there = Affine.scale(x, y).then(Affine.shift(right, down))
    np.testing.assert_allclose(there.inverse().boxes(there.boxes(boxes)), boxes, atol=0.01)


def test_then_applies_the_left_map_first():
    both = Affine.scale(2, 3).then(Affine.shift(10, 20))
    np.testing.assert_array_equal(both.boxes(np.array([[1.0, 1.0, 2.0, 2.0]])), [[12, 23, 14, 26]])


def test_a_quarter_turn_gives_the_box_around_the_turned_corners():
    quarter = Affine(a=0, b=-1, d=1, e=0)
    np.testing.assert_array_equal(quarter.boxes(np.array([[0.0, 0.0, 4.0, 2.0]])), [[-2, 0, 0, 4]])


def test_a_map_without_area_has_no_inverse():
    with pytest.raises(np.linalg.LinAlgError):
        Affine.scale(0, 1).inverse()


def test_no_boxes_map_to_no_boxes():
    assert Affine.scale(2, 2).boxes(np.empty((0, 4))).shape == (0, 4)


def test_clip_cuts_at_the_frame():
    np.testing.assert_array_equal(clip(np.array([[-5.0, 2.0, 30.0, 40.0]]), 20, 10), [[0, 2, 20, 10]])


def test_iou_of_known_pairs():
    first = np.array([[0.0, 0.0, 2.0, 2.0]])
    second = np.array([[0.0, 0.0, 2.0, 2.0], [1.0, 0.0, 3.0, 2.0], [5.0, 5.0, 6.0, 6.0], [2.0, 2.0, 2.0, 2.0]])
    np.testing.assert_allclose(iou(first, second), [[1.0, 1 / 3, 0.0, 0.0]])


def test_two_empty_boxes_have_no_overlap():
    empty = np.zeros((1, 4))
    assert iou(empty, empty) == [[0.0]]


def test_area_of_an_inverted_box_is_zero():
    np.testing.assert_array_equal(area(np.array([[3.0, 3.0, 1.0, 5.0], [0.0, 0.0, 2.0, 3.0]])), [0.0, 6.0])
