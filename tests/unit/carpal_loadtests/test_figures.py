"""Figures come from raw rows, and their counts must add up."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from carpal_loadtests.answers import Outcome
from carpal_loadtests.figures import Counts, Figures, Percentiles
from carpal_loadtests.rows import Row


def row(index: int, outcome: Outcome, latency_s: float | None = 0.01, code: str = "", status: int = 200) -> Row:
    """A request of a plan of ten a second, sent on time."""
    at = index / 10
    return Row(index, at, at, None if latency_s is None else at + latency_s, status, code, outcome, 10)


ROWS = [
    row(0, Outcome.ANSWERED, 0.010),
    row(1, Outcome.ANSWERED, 0.030),
    row(2, Outcome.SHED, 0.002, "service.full", 429),
    row(3, Outcome.TIMEOUT, 1.0, "transport.timeout", 0),
    row(4, Outcome.WRONG, 0.01, "answer.not-a-record"),
    row(5, Outcome.OPEN, None, status=0),
    row(7, Outcome.REFUSED, 0.001, "image.unreadable", 422),
    Row(6, 0.6, None, None, 0, "", Outcome.DROPPED, 0),
]


def test_every_request_of_the_plan_is_counted_once() -> None:
    counts = Counts.of(ROWS, planned=10)
    assert counts.offered == 8
    assert counts.unsent == 2
    assert (counts.answered, counts.refused, counts.shed, counts.failed, counts.dropped) == (2, 1, 1, 2, 1)
    assert counts.open == 1
    assert counts.failures == {"timeout": 1, "wrong": 1}
    assert counts.codes == {"service.full": 1, "transport.timeout": 1, "answer.not-a-record": 1, "image.unreadable": 1}
    assert counts.statuses == {"200": 3, "429": 1, "0": 1, "422": 1}


@pytest.mark.parametrize(
    "key", ["planned", "offered", "answered", "refused", "shed", "failed", "dropped", "open", "unsent"]
)
def test_counts_that_do_not_add_up_are_refused(key: str) -> None:
    good = Counts.of(ROWS, planned=10).model_dump()
    with pytest.raises(ValidationError, match="is not"):
        Counts.model_validate({**good, key: good[key] + 1})


def test_percentiles_are_measured_values_by_nearest_rank() -> None:
    values = Percentiles.of([k / 1000 for k in range(1, 201)])
    assert values is not None
    assert (values.p50_ms, values.p90_ms, values.p95_ms, values.p99_ms, values.max_ms) == (100, 180, 190, 198, 200)
    assert values.p999_ms == 200
    assert values.mean_ms == 100.5


def test_a_value_between_locusts_buckets_is_kept() -> None:
    values = Percentiles.of([0.147])
    assert values is not None
    assert values.p99_ms == 147.0  # Locust's own statistics say 150


def test_percentiles_of_nothing_are_none() -> None:
    assert Percentiles.of([None]) is None


def test_latency_is_of_answered_requests_only() -> None:
    figures = Figures.of(ROWS, planned=8, from_s=0.0, span_s=0.7)
    assert figures.latency is not None
    assert (figures.latency.count, figures.latency.max_ms) == (2, 30.0)
    assert figures.shed_time is not None
    assert figures.shed_time.max_ms == 2.0


def test_a_generator_that_takes_longer_than_planned_offers_a_lower_rate() -> None:
    on_time = [row(index, Outcome.ANSWERED) for index in range(20)]
    slow = [Row(r.index, r.intended_s, r.intended_s * 2, r.intended_s * 2, 200, "", r.outcome, 1) for r in on_time]
    assert Figures.of(on_time, planned=20, from_s=0.0, span_s=2.0).offered_rate_per_s == 10.0
    assert Figures.of(slow, planned=20, from_s=0.0, span_s=2.0).offered_rate_per_s == pytest.approx(20 / 3.8)
