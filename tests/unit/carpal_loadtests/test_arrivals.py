"""The schedule is computed beforehand, and is what it says."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest
from scipy import stats

from carpal_loadtests.arrivals import Constant, Poisson, choices, part, schedule


def test_constant_arrivals_are_at_equal_gaps_and_exactly_as_many_as_the_rate_says() -> None:
    times = schedule(Constant(rate_per_s=30, duration_s=10), warmup_s=2, seed=5)
    assert len(times) == 360
    assert times[0] == 0
    np.testing.assert_allclose(np.diff(times), 1 / 30, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("rate", "span", "count"), [(30, 0.1, 3), (0.5, 4, 2), (3, 1.1, 4), (7, 1, 7)])
def test_the_last_constant_arrival_lies_before_the_end(rate: float, span: float, count: int) -> None:
    times = schedule(Constant(rate_per_s=rate, duration_s=span), warmup_s=0, seed=0)
    assert len(times) == count
    assert times[-1] < span


def test_poisson_arrivals_have_independent_exponential_gaps() -> None:
    times = schedule(Poisson(rate_per_s=50, duration_s=200), warmup_s=0, seed=11)
    gaps = np.diff(times, prepend=0.0)
    assert stats.kstest(gaps, "expon", args=(0, 1 / 50)).pvalue > 0.01
    assert abs(np.corrcoef(gaps[:-1], gaps[1:])[0, 1]) < 0.03
    # Counts a second have a variance equal to their mean.
    counts = np.bincount(times.astype(int), minlength=200)
    assert counts.var() / counts.mean() == pytest.approx(1.0, abs=0.3)


def test_poisson_arrivals_fill_the_span_and_do_not_leave_it() -> None:
    times = schedule(Poisson(rate_per_s=100, duration_s=20), warmup_s=5, seed=3)
    assert (np.diff(times) > 0).all()
    assert 0 < times[0] < 0.2
    assert 24.8 < times[-1] < 25
    assert abs(len(times) - 2500) < 4 * 50


def test_the_same_seed_gives_the_same_schedule_and_another_seed_another() -> None:
    arrivals = Poisson(rate_per_s=20, duration_s=5)
    first = schedule(arrivals, warmup_s=0, seed=1)
    np.testing.assert_array_equal(first, schedule(arrivals, warmup_s=0, seed=1))
    assert not np.array_equal(first[:50], schedule(arrivals, warmup_s=0, seed=2)[:50])


def test_every_payload_is_chosen_about_as_often() -> None:
    counts = np.bincount(choices(4000, 4, seed=9), minlength=4)
    assert counts.sum() == 4000
    assert stats.chisquare(counts).pvalue > 0.01


def test_workers_share_the_schedule_without_gap_or_overlap() -> None:
    parts = [list(part(11, worker, 3)) for worker in range(3)]
    assert parts[1] == [1, 4, 7, 10]
    assert sorted(chain(*parts)) == list(range(11))


def test_a_worker_beyond_the_last_is_refused() -> None:
    with pytest.raises(ValueError, match="worker 3 is not one of 3"):
        part(10, 3, 3)
