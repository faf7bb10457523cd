import numpy as np
import pytest

from carpal_training.operating_points import LOWEST, choose, measure

RNG = np.random.default_rng(0)
PRESENT = np.arange(200) < 80
SEPARATED = np.where(PRESENT, RNG.uniform(0.4, 0.9, 200), RNG.uniform(0.0, 0.5, 200))


def test_the_points_reach_what_they_promise() -> None:
    points = choose(SEPARATED, PRESENT)
    assert points.high_sensitivity.sensitivity is not None
    assert points.high_specificity.specificity is not None
    assert points.high_sensitivity.sensitivity >= 0.95
    assert points.high_specificity.specificity >= 0.95
    assert points.high_sensitivity.threshold <= points.high_specificity.threshold


def test_no_higher_threshold_would_keep_the_sensitivity() -> None:
    threshold = choose(SEPARATED, PRESENT).high_sensitivity.threshold
    higher = measure(SEPARATED, PRESENT, threshold + 0.02)
    assert higher.sensitivity is not None
    assert higher.sensitivity < 0.95


def test_a_class_that_is_not_found_gets_the_lowest_threshold() -> None:
    points = choose(np.zeros(200), PRESENT)
    assert points.high_sensitivity.threshold == LOWEST
    assert points.high_sensitivity.sensitivity == 0.0
    assert points.high_specificity.specificity == 1.0


@pytest.mark.parametrize("present", [np.zeros(200, bool), np.ones(200, bool)])
def test_where_nothing_can_be_measured_nothing_is_claimed(present: np.ndarray) -> None:
    points = choose(SEPARATED, present)
    assert (points.high_sensitivity.threshold, points.high_specificity.threshold) == (0.25, 0.5)
    assert None in (points.high_sensitivity.sensitivity, points.high_sensitivity.specificity)


def test_a_probability_at_the_threshold_is_reported() -> None:
    point = measure(np.array([0.5, 0.4]), np.array([True, False]), 0.5)
    assert (point.sensitivity, point.specificity) == (1.0, 1.0)
