"""Fits agree with published ones, find the law that made the points, and say how sure they are."""

from __future__ import annotations

import numpy as np
import pytest

from carpal_loadtests.scaling.fits import choose, fit, interval, resample
from carpal_loadtests.scaling.laws import Coefficients, curve

REPLICAS = np.arange(1, 9, dtype=float)


def test_cisco_is_fitted_as_published(cisco: list[tuple[int, float]]) -> None:
    replicas, throughput = np.array(cisco).T
    found = fit("usl", replicas, throughput).coefficients
    assert found.tuple == pytest.approx((995.6486, 0.02671591, 7.690945e-4), rel=1e-3)
    assert found.peak_replicas == pytest.approx(35.57, rel=1e-3)
    assert found.throughput(35) == pytest.approx(12341.745, rel=1e-3)


def test_spec_sdm91_is_fitted_as_published(spec: list[tuple[int, float]]) -> None:
    replicas, throughput = np.array(spec).T
    found = fit("usl", replicas, throughput)
    assert found.coefficients.tuple == pytest.approx((89.995233, 0.0277285, 0.0001044), rel=1e-3)
    assert found.residuals_per_s == pytest.approx((-25.1, -81.7, 111.1, 3.05, -50.0, -46.6, 56.0), abs=0.1)


@pytest.mark.parametrize(
    ("law", "made"),
    [("linear", Coefficients(40)), ("amdahl", Coefficients(40, 0.08)), ("usl", Coefficients(40, 0.03, 0.01))],
)
def test_the_law_that_made_the_points_is_chosen_and_its_numbers_are_found(law: str, made: Coefficients) -> None:
    noise = np.random.default_rng(3).normal(1, 0.004, len(REPLICAS))
    choice = choose(REPLICAS, curve(REPLICAS, *made.tuple) * noise)
    assert choice.best == law
    assert choice.fits[choice.best].coefficients.tuple == pytest.approx(made.tuple, rel=0.25)
    assert sum(choice.weights.values()) == pytest.approx(1)


def test_points_without_any_error_choose_the_simplest_law() -> None:
    assert choose(REPLICAS, 40 * REPLICAS).best == "linear"


def test_points_above_the_straight_line_get_no_negative_contention() -> None:
    found = fit("usl", REPLICAS, 40 * REPLICAS**1.1).coefficients
    assert (found.sigma, found.kappa) == (0, 0)


def test_intervals_hold_the_true_number_about_as_often_as_they_say() -> None:
    made, rng, held = Coefficients(40, 0.08), np.random.default_rng(5), 0
    for trial in range(25):
        choice = choose(REPLICAS, curve(REPLICAS, *made.tuple) + rng.normal(0, 2, len(REPLICAS)))
        again = resample(choice, REPLICAS, count=40, seed=trial)
        low, high = interval([one.fits["amdahl"].coefficients.throughput(8) for one in again])
        held += low <= made.throughput(8) <= high
    assert held >= 20  # 24 are expected; were each held with 0.95, fewer than 20 of 25 would have a chance below 0.01


def test_the_same_seed_draws_the_same_resamples() -> None:
    choice = choose(REPLICAS, curve(REPLICAS, 40, 0.08) + np.array([0, 1, -1, 2, 0, -2, 1, -1]))
    first, second = (resample(choice, REPLICAS, count=3, seed=4) for _ in range(2))
    assert [one.fits["amdahl"].coefficients for one in first] == [one.fits["amdahl"].coefficients for one in second]
