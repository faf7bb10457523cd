"""Threshold, best class, candidates and suppression, on heads written by hand."""

from __future__ import annotations

import numpy as np
import pytest

from carpal.detection.postprocess import Detections, decode
from carpal.engines.errors import NotFiniteError
from carpal.imaging.geometry import iou
from carpal.packages.manifest import NmsDefaults

NMS = NmsDefaults(iou=0.5, floor=0.1, candidates=100, max_findings=50)


def head(*anchors: tuple[float, ...]) -> np.ndarray:
    """Columns of (cx, cy, w, h, probability of class 0, of class 1)."""
    return np.array(anchors, np.float32).reshape(-1, 6).T


def test_boxes_become_corners_with_the_strongest_first():
    found = decode(head((10, 20, 4, 6, 0.3, 0.2), (50, 50, 10, 10, 0.1, 0.9)), NMS)
    assert found.boxes.tolist() == [[45, 45, 55, 55], [8, 17, 12, 23]]
    assert found.classes.tolist() == [1, 0]
    assert found.probabilities == pytest.approx([0.9, 0.3])


def test_a_probability_at_the_floor_stays_and_one_below_goes():
    found = decode(head((10, 10, 4, 4, 0.5, 0), (50, 50, 4, 4, 0.499, 0)), NMS, floor=0.5)
    assert found.probabilities.tolist() == [0.5]


def test_nothing_above_the_floor_gives_nothing():
    found = decode(head((10, 10, 4, 4, 0.05, 0)), NMS)
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)


def test_a_weaker_box_of_the_same_class_is_dropped_and_one_of_another_class_stays():
    same, other = (10, 10, 8, 8, 0.9, 0), (11, 10, 8, 8, 0.8, 0)
    assert len(decode(head(same, other), NMS)) == 1
    assert len(decode(head(same, (11, 10, 8, 8, 0, 0.8)), NMS)) == 2


def test_boxes_that_overlap_by_exactly_the_limit_both_stay():
    first, second = (10, 10, 8, 8, 0.9, 0), (10, 12, 8, 4, 0.8, 0)
    assert iou(decode(head(first), NMS).boxes, decode(head(second), NMS).boxes)[0, 0] == 0.5
    assert len(decode(head(first, second), NMS)) == 2


def test_a_dropped_box_drops_no_other():
    chain = [(10 + 3 * step, 10, 8, 8, 0.9 - 0.1 * step, 0) for step in range(3)]
    assert decode(head(*chain), NMS.model_copy(update={"iou": 0.4})).boxes[:, 0].tolist() == [6, 12]


def test_an_anchor_speaks_for_its_best_class_alone():
    found = decode(head((10, 10, 4, 4, 0.6, 0.7)), NMS)
    assert found.classes.tolist() == [1]


def test_only_the_strongest_candidates_enter_and_only_so_many_leave():
    many = [(10 * k, 10, 4, 4, 0.2 + 0.01 * k, 0) for k in range(20)]
    assert len(decode(head(*many), NMS.model_copy(update={"candidates": 7}))) == 7
    kept = decode(head(*many), NMS.model_copy(update={"max_findings": 3}))
    assert kept.probabilities == pytest.approx([0.39, 0.38, 0.37])


def test_equal_probabilities_keep_the_order_of_the_anchors():
    found = decode(head(*[(10 * k, 10, 4, 4, 0.5, 0) for k in range(6)]), NMS)
    assert (np.diff(found.boxes[:, 0]) > 0).all()


@pytest.mark.parametrize("row", [0, 3, 4, 5])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_an_error_and_not_an_empty_answer(row: int, value: float):
    broken = head((10, 10, 4, 4, 0.6, 0.2), (30, 10, 4, 4, 0.6, 0.2))
    broken[row, 1] = value
    with pytest.raises(NotFiniteError):
        decode(broken, NMS)


def test_some_can_be_taken_by_mask_index_or_slice():
    found = Detections(np.arange(12.0).reshape(3, 4), np.array([0.9, 0.5, 0.1]), np.array([0, 1, 0]))
    assert found.take(found.classes == 0).probabilities.tolist() == [0.9, 0.1]
    assert found.take(np.array([2, 0])).classes.tolist() == [0, 0]
    assert len(found.take(slice(1))) == 1
