"""The laws are what their formulas say, and each is a special case of the next."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest

from carpal_loadtests.scaling.laws import Coefficients, curve, slopes


def test_one_replica_has_the_throughput_of_one_replica_by_every_law() -> None:
    for one in (Coefficients(50), Coefficients(50, 0.1), Coefficients(50, 0.1, 0.01)):
        assert one.throughput(1) == 50
        assert one.efficiency(1) == 1


def test_a_straight_line_has_neither_peak_nor_limit() -> None:
    assert (Coefficients(50).peak_replicas, Coefficients(50).limit_per_s) == (inf, inf)
    assert Coefficients(50).throughput(7) == 350


def test_amdahl_approaches_lambda_over_sigma_and_never_turns() -> None:
    law = Coefficients(50, 0.05)
    assert law.peak_replicas == inf
    assert law.limit_per_s == pytest.approx(1000)
    assert law.throughput(1_000_000) == pytest.approx(1000, rel=1e-4)


def test_the_peak_is_where_one_replica_more_and_one_less_both_answer_less() -> None:
    law = Coefficients(995.6486, 0.02671591, 7.690945e-4)
    assert law.peak_replicas == pytest.approx(35.57, abs=0.01)
    assert law.throughput(35) == pytest.approx(12341.745, rel=1e-6)
    at = law.peak_replicas
    assert law.throughput(at - 1) < law.throughput(at) > law.throughput(at + 1)


def test_slopes_are_the_differences_of_the_curve() -> None:
    replicas, chosen, step = np.array([1.0, 4.0, 9.0]), np.array([50.0, 0.05, 0.002]), 1e-7
    for column in range(3):
        shifted = chosen.copy()
        shifted[column] += step
        difference = (curve(replicas, *shifted) - curve(replicas, *chosen)) / step
        assert slopes(replicas, *chosen)[:, column] == pytest.approx(difference, rel=1e-3, abs=1e-3)
