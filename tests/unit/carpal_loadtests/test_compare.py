"""Two runs are told apart where they differ, held for equal where they do not, and refused where they are unlike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from carpal_loadtests.answers import Outcome
from carpal_loadtests.compare import compare
from carpal_loadtests.errors import NoResultError, UnlikeRunsError
from carpal_loadtests.result import write_result
from carpal_loadtests.rows import Row

Write = Callable[..., Path]


@pytest.fixture
def write(scenario: Callable[..., Any], result_of: Callable[..., Any], tmp_path: Path) -> Write:
    """Writes runs of 200 requests in 20 s: ``write("a", factor=1.5, seed=1, broken=[3])``."""

    def run(name: str, *, factor: float = 1.0, seed: int = 0, broken: Any = (), **keys: Any) -> Path:
        rng = np.random.default_rng(seed)
        rows = []
        for index in range(200):
            at, wait = index / 10, factor * 0.02 * float(rng.lognormal(0, 0.3))
            outcome = Outcome.BROKEN if index in broken else Outcome.ANSWERED
            rows.append(Row(index, at, at, at + wait, 200, "", outcome, 1))
        result = result_of(rows=rows, span_s=19, **keys)
        folder = tmp_path / name
        folder.mkdir()
        write_result(result, rows, folder)
        return folder

    return run


def test_a_run_that_takes_half_as_long_again_is_worse_and_the_other_way_round_better(write: Write) -> None:
    a, b = write("a"), write("b", factor=1.5, seed=1)
    worse, better = compare(a, b), compare(b, a)
    assert worse.pairs == 190
    assert worse.seconds == 19
    median = worse.changes[0]
    assert (median.name, median.verdict) == ("p50", "worse")
    assert median.low < 1.5 < median.high
    assert worse.worse
    assert better.changes[0].verdict == "better"
    assert not better.worse


def test_two_runs_of_one_service_are_not_told_apart(write: Write) -> None:
    comparison = compare(write("a"), write("b", seed=1), tolerance=0.2)
    assert not comparison.worse
    assert comparison.changes[0].verdict == "same"


def test_a_run_against_itself_is_the_same_at_every_level(write: Write) -> None:
    a = write("a")
    assert {(change.ratio, change.low, change.high, change.verdict) for change in compare(a, a).changes} == {
        (1.0, 1.0, 1.0, "same")
    }


def test_more_requests_that_go_wrong_are_worse_whatever_the_latency(write: Write) -> None:
    comparison = compare(write("a", broken=[15]), write("b", broken=range(20, 30), slos={"error_share": 1}))
    assert (comparison.bad_before, comparison.bad_after) == (1, 10)
    assert comparison.worse
    assert comparison.checks[-1].reason.startswith("baseline.bad: 10 requests went wrong that had gone well, 1 the")
    assert not compare(write("c", broken=[15]), write("d", broken=[20, 21])).worse


def test_unlike_runs_are_refused_with_the_difference(write: Write) -> None:
    a = write("a")
    other = {"kind": "constant", "rate_per_s": 12, "duration_s": 19}
    with pytest.raises(UnlikeRunsError, match=r"the runs differ in scenario\.arrivals"):
        compare(a, write("b", arrivals=other))
    with pytest.raises(UnlikeRunsError, match="the second run is invalid: interrupted"):
        compare(a, write("c", interrupted=True))


def test_other_service_levels_are_no_difference(write: Write) -> None:
    assert not compare(write("a"), write("b", slos={"p50_ms": 1})).worse


def test_a_folder_without_a_run_is_refused(write: Write, tmp_path: Path) -> None:
    with pytest.raises(NoResultError):
        compare(write("a"), tmp_path / "none")
