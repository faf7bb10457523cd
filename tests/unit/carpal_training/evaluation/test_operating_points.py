import numpy as np
import pytest

from carpal_training.evaluation.operating_points import LOWEST, choose, measure

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


def test_a_class_that_overlaps_gets_the_tightest_points() -> None:
    overlapping = np.where(PRESENT, RNG.uniform(0.2, 0.9, 200), RNG.uniform(0.0, 0.6, 200))
    points = choose(overlapping, PRESENT)
    higher = measure(overlapping, PRESENT, points.high_sensitivity.threshold + 0.03)
    lower = measure(overlapping, PRESENT, points.high_specificity.threshold - 0.03)
    assert higher.sensitivity is not None
    assert lower.specificity is not None
    assert higher.sensitivity < 0.95
    assert lower.specificity < 0.95


def test_a_class_that_is_told_apart_well_gets_both_ends_of_the_good_range() -> None:
    points = choose(np.where(PRESENT, 0.8, 0.2), PRESENT)
    assert (points.high_sensitivity.threshold, points.high_specificity.threshold) == (0.2001, 0.8)
    for point in (points.high_sensitivity, points.high_specificity):
        assert (point.sensitivity, point.specificity) == (1.0, 1.0)


def test_a_class_that_is_not_found_gets_the_lowest_threshold() -> None:
    points = choose(np.zeros(200), PRESENT)
    assert points.high_sensitivity.threshold == LOWEST
    assert points.high_sensitivity.sensitivity == 0.0
    assert points.high_specificity.specificity == 1.0


def test_confirmed_says_more_than_possible_where_both_would_be_one_threshold() -> None:
    missed_often = np.where(PRESENT, np.where(np.arange(200) < 20, 0.0, 0.7), np.where(np.arange(200) > 197, 0.3, 0.0))
    points = choose(missed_often, PRESENT)
    assert (points.high_sensitivity.threshold, points.high_specificity.threshold) == (LOWEST, 0.7)
    assert points.high_specificity.sensitivity == points.high_sensitivity.sensitivity == 0.75


@pytest.mark.parametrize("present", [np.zeros(200, bool), np.ones(200, bool)])
def test_where_nothing_can_be_measured_nothing_is_claimed(present: np.ndarray) -> None:
    points = choose(SEPARATED, present)
    assert (points.high_sensitivity.threshold, points.high_specificity.threshold) == (0.25, 0.5)
    assert None in (points.high_sensitivity.sensitivity, points.high_sensitivity.specificity)


def test_a_probability_at_the_threshold_is_reported() -> None:
    point = measure(np.array([0.5, 0.4]), np.array([True, False]), 0.5)
    assert (point.sensitivity, point.specificity) == (1.0, 1.0)
