"""What was counted on the way and what the rows say are held against one another."""

from __future__ import annotations

import pytest

from carpal_loadtests.answers import Outcome
from carpal_loadtests.conservation import OnTheWay, littles_law
from carpal_loadtests.rows import Row


def rows(count: int, took_s: float, worker: int = 0) -> list[Row]:
    """Ten a second, each on the way for the same time."""
    return [Row(k, k / 10, k / 10, k / 10 + took_s, 200, "", Outcome.ANSWERED, 1, worker=worker) for k in range(count)]


def seen(counts: int, on_the_way: int, worker: int = 0) -> list[OnTheWay]:
    return [OnTheWay(worker, 2.05 + k / 2, on_the_way) for k in range(counts)]


def test_a_true_run_holds_and_both_sides_are_the_rate_times_the_time() -> None:
    law = littles_law(rows(100, 0.5), seen(10, 5))
    assert law is not None
    assert law.holds
    assert (law.counted, law.from_rows, law.samples) == (5, 5, 10)
    assert law.rate_times_time == pytest.approx(5, rel=0.06)


def test_rows_that_were_lost_or_times_that_are_wrong_break_it() -> None:
    lost = littles_law(rows(100, 0.5)[::2], seen(10, 5))
    assert lost is not None
    assert not lost.holds
    quick = littles_law(rows(100, 0.1), seen(10, 5))
    assert quick is not None
    assert not quick.holds


def test_workers_are_compared_each_with_its_own_rows() -> None:
    both = [*rows(100, 0.5, worker=0), *rows(100, 0.2, worker=1)]
    law = littles_law(both, [*seen(10, 5, 0), *seen(10, 2, 1)])
    assert law is not None
    assert law.holds
    assert law.counted == 3.5


def test_a_request_that_is_still_open_is_on_the_way() -> None:
    (row,) = rows(1, 1)
    hanging = Row(0, row.intended_s, row.start_s, None, 0, "", Outcome.OPEN, 0)
    law = littles_law([hanging], seen(4, 1))
    assert law is not None
    assert law.from_rows == 1


def test_nothing_counted_says_nothing() -> None:
    assert littles_law(rows(10, 0.1), []) is None
    assert littles_law([], seen(3, 0)) is None
