"""A trend is found where there is one, and not where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from carpal_loadtests.trend import slope, windows


def test_a_straight_line_has_its_slope_and_no_interval() -> None:
    found = slope(range(100), [3 + 2 * at for at in range(100)])
    assert found is not None
    assert found.per_s == pytest.approx(2)
    assert found.low_per_s == pytest.approx(2)
    assert found.high_per_s == pytest.approx(2)
    assert found.p_value < 1e-6


def test_what_stays_the_same_has_no_trend() -> None:
    found = slope(range(100), [7.0] * 100)
    assert found is not None
    assert (found.per_s, found.low_per_s, found.high_per_s, found.p_value) == (0, 0, 0, 1.0)


def test_the_interval_holds_the_truth_as_often_as_it_says_and_noise_is_seldom_a_trend() -> None:
    rng = np.random.default_rng(7)
    times = np.arange(200.0)
    held = false = 0
    for _ in range(200):
        found = slope(times, 0.05 * times + rng.normal(0, 1, 200))
        none = slope(times, rng.normal(0, 1, 200))
        assert found is not None
        assert none is not None
        held += found.low_per_s <= 0.05 <= found.high_per_s
        false += none.p_value <= 0.01
    assert held >= 180  # 190 expected of 200 at 0.95
    assert false <= 8  # 2 expected at 0.01


def test_a_single_jump_does_not_carry_the_slope_away() -> None:
    values = [100.0] * 200
    values[50:60] = [10_000.0] * 10
    found = slope(range(200), values)
    assert found is not None
    assert found.per_s == 0


def test_too_short_a_run_says_nothing() -> None:
    assert slope([1, 2, 3], [1, 2, 3]) is None
    assert slope([], []) is None


def test_windows_are_equal_and_empty_ones_are_left_out() -> None:
    times, levels = windows([0, 1, 2, 100], [5, 6, 7, 9])
    assert times == [1, 100]
    assert levels == [6, 9]
