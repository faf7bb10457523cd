"""What is off by more than the bar is told from what is not, and what is lost or miscounted is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from carpal_loadtests.answers import Outcome
from carpal_loadtests.calibration.behaviour import Seen
from carpal_loadtests.calibration.levels import Level, Stall, level, miscounted, stall
from carpal_loadtests.job import Summary
from carpal_loadtests.rows import Row

RATE = 100
COUNT = 1000
ZERO_S = 5000.0  # second 0 on the server's clock


def made(took_s: list[float], added: Callable[[float], float]) -> tuple[list[Row], Seen]:
    """Requests at 100/s that the server kept so long, and a generator that measures them as longer."""
    at = [index / RATE for index in range(len(took_s))]
    rows = [
        Row(index, at_s, at_s, at_s + added(kept), 200, "", Outcome.ANSWERED, 1)
        for index, (at_s, kept) in enumerate(zip(at, took_s, strict=True))
    ]
    seen = Seen(
        index=list(range(len(at))),
        at_s=[ZERO_S + at_s for at_s in at],
        sent_s=[ZERO_S + at_s + kept for at_s, kept in zip(at, took_s, strict=True)],
        bytes=[1] * len(at),
        media_type=["image/png"] * len(at),
        answer=["record"] * len(at),
        cpu_s=1.0,
    )
    return rows, seen


def kept() -> list[float]:
    return np.random.default_rng(1).lognormal(np.log(0.05), 0.6, COUNT).tolist()


def measured(added: Callable[[float], float], summary: Summary, server_ms: float = 0.1) -> Level:
    rows, seen = made(kept(), added)
    seen = seen.model_copy(update={"pause_p99_ms": server_ms})
    return level(RATE, rows, seen, summary, planned=COUNT, warmup_s=1.0)


def test_a_generator_that_adds_half_a_millisecond_to_fifty_is_true(summary: Summary) -> None:
    found = measured(lambda true: true + 0.0005, summary)
    assert found.holds
    assert found.valid
    assert found.added_p50_ms == pytest.approx(0.5)
    assert found.p50_error == pytest.approx(0.01, abs=0.001)
    assert found.requests == 900  # the warm-up is left out


@pytest.mark.parametrize("share", [0.97, 1.03])
def test_a_generator_that_is_off_by_three_per_cent_is_not(share: float, summary: Summary) -> None:
    found = measured(lambda true: true * share, summary)
    assert not found.holds
    assert found.valid


def test_where_generator_or_server_had_to_wait_the_error_may_be_the_machines(summary: Summary) -> None:
    """A true p99 of 200 ms leaves either of them 4 ms."""
    late = summary.model_copy(update={"pause_p99_ms": 6.0})
    assert not measured(lambda true: true, late).valid
    assert not measured(lambda true: true, summary, server_ms=6.0).valid
    assert measured(lambda true: true, summary, server_ms=3.0).valid


def test_a_tail_that_is_cut_off_is_found_where_the_median_is_true(summary: Summary) -> None:
    found = measured(lambda true: min(true, 0.15), summary)
    assert abs(found.p50_error) < 0.001
    assert not found.holds


def test_what_is_lost_sent_twice_or_counted_as_something_else_is_found(summary: Summary) -> None:
    rows, seen = made(kept(), lambda true: true)
    assert miscounted(rows, seen, COUNT) == 0
    assert miscounted(rows[:-2], seen, COUNT) == 2
    assert miscounted(rows, seen.model_copy(update={"index": [0, *seen.index[:-1]]}), COUNT) == 2
    broken = [replace(rows[0], outcome=Outcome.BROKEN), *rows[1:]]
    assert miscounted(broken, seen, COUNT) == 1
    assert miscounted(broken, seen.model_copy(update={"answer": ["broken", *seen.answer[1:]]}), COUNT) == 0
    assert not level(RATE, broken, seen, summary, planned=COUNT, warmup_s=0.0).holds


def stalled(measured_s: Callable[[float, float], float]) -> Stall:
    """Request 300 stops the server for a second; the generator measures from what it believes is right."""
    at = [index / RATE for index in range(COUNT)]
    over = 3.0 + 1.0
    waits = [over - at_s + 0.005 if 3.0 <= at_s < over else 0.005 for at_s in at]
    rows, seen = made(waits, lambda true: true)
    rows = [replace(row, end_s=row.intended_s + measured_s(row.intended_s, waits[row.index])) for row in rows]
    # The server reads what came meanwhile when it moves again; request 300 itself was there before.
    arrived = [ZERO_S + (over if 3.0 < at_s < over else at_s) for at_s in at]
    seen = seen.model_copy(update={"at_s": arrived})
    return stall(RATE, rows, seen, planned=COUNT, at=300, stall_s=1.0)


def test_a_stall_that_every_request_waited_for_is_whole() -> None:
    found = stalled(lambda at_s, true: true + 0.0005)
    assert found.holds
    assert (found.waited, found.hidden) == (100, 0)
    assert found.true_mean_ms == pytest.approx(510, abs=1)
    assert found.longest_s == pytest.approx(1.0055, abs=1e-3)


def test_a_generator_that_waits_for_its_answers_hides_it() -> None:
    """A closed model sends nothing while the server stands still: one long wait, and the rest as ever."""
    found = stalled(lambda at_s, true: true if at_s == 3.0 else 0.005)
    assert not found.holds
    assert found.hidden == 99
    assert found.longest_s > 1
