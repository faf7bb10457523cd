"""What a search comes to: the rate, the knee, the most, and whether the generator was in the way."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from carpal_loadtests.limits.saturation import Probe, Saturation, summed_up
from carpal_loadtests.limits.search import Search
from carpal_loadtests.result import Result


def probe(rate: float, answered: float, p50_ms: float | None) -> Probe:
    return Probe(
        rate_per_s=rate,
        duration_s=15,
        fate="holds",
        answered_per_s=answered,
        p50_ms=p50_ms,
        p99_ms=p50_ms,
        reason="",
        folder="",
    )


@pytest.fixture
def sum_up(result_of: Callable[..., Result]) -> Callable[..., Saturation]:
    """Sums a search up, of three rates with a knee in the middle."""
    probes = [probe(10, 10, 20.0), probe(20, 20, 25.0), probe(40, 24, 400.0), probe(80, 0, None)]
    return lambda found: summed_up(found, probes, [result_of()], 0.05)


def test_the_knee_is_where_answers_over_latency_are_the_most(sum_up: Callable[..., Saturation]) -> None:
    found = sum_up(Search(rate=20, failed=21, confirmed=True))
    assert (found.rate_per_s, found.knee_per_s, found.maximum_per_s) == (20, 20, 24)
    assert not found.blind
    assert found.slos.p99_ms == 100
    assert found.target == "http://127.0.0.1:1"


def test_a_rate_that_no_long_run_confirmed_is_none(sum_up: Callable[..., Saturation]) -> None:
    assert sum_up(Search(rate=20, failed=21)).rate_per_s is None


def test_a_generator_in_the_way_is_said(sum_up: Callable[..., Saturation]) -> None:
    assert sum_up(Search(rate=20, failed=30, invalid=21, confirmed=True)).blind
    assert not sum_up(Search(rate=20, failed=21, invalid=30, confirmed=True)).blind
