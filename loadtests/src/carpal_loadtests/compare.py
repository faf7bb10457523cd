"""Two runs of one schedule, request by request: what changed, with its interval.

Requests are paired by their place in the schedule, so both runs saw the same arrivals with the same payloads.
Neighbours share their queue, so whole seconds are drawn with replacement (block bootstrap; Kunsch, 1989), the same for
both runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from carpal.document import Document
from carpal_loadtests.answers import GOOD, Outcome
from carpal_loadtests.check import Check
from carpal_loadtests.errors import UnlikeRunsError
from carpal_loadtests.result import Result, read_result, without_warmup
from carpal_loadtests.rows import Row

DRAWS = 1000
LEVELS = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
FEWEST_SECONDS = 5
# Counts differ by luck less often than this before more errors are called more.
LUCK = 0.01


class Change(Document):
    """One figure in both runs."""

    name: str
    before: float = Field(description="of A, ms")
    after: float = Field(description="of B, ms")
    ratio: float = Field(description="after / before")
    low: float = Field(description="of the 95 % interval of the ratio")
    high: float
    verdict: Literal["worse", "better", "same", "not proved"] = Field(
        description="worse, better: proved beyond the tolerance; same: proved to be within it"
    )


class Comparison(Document):
    """Run B against run A."""

    before: str
    after: str
    pairs: int = Field(description="requests that both runs answered")
    seconds: int = Field(description="blocks that were drawn from")
    tolerance: float
    changes: tuple[Change, ...]
    bad_before: int = Field(description="requests of A that failed, were shed, dropped or left open")
    bad_after: int
    bad_p_value: float = Field(description="of so many more bad ones in B by luck (McNemar, exact, one-sided)")
    checks: tuple[Check, ...] = Field(description="what breaks a baseline: holds where nothing is proved to be worse")

    @property
    def worse(self) -> bool:
        """Whether anything is proved to be worse."""
        return any(not check.holds for check in self.checks)


def compare(before: Path, after: Path, *, tolerance: float = 0.05, seed: int = 0) -> Comparison:
    """Compare two folders of ``carpal load run``.

    Args:
        before: the baseline, A.
        after: B.
        tolerance: a ratio within 1 +- this is no change.
        seed: of the bootstrap.

    Raises:
        NoResultError: a folder holds no whole result.
        UnlikeRunsError: the runs differ in more than in what answered, or one of them is invalid.
    """
    (one, rows), (other, other_rows) = read_result(before), read_result(after)
    refuse_unlike(one, other)
    rows, other_rows = without_warmup(one, rows), without_warmup(other, other_rows)
    first, second = _answered(rows), _answered(other_rows)
    shared = sorted(first.keys() & second.keys())
    places = np.array([int(first[index].intended_s) for index in shared])
    seconds = np.unique(places)
    if len(seconds) < FEWEST_SECONDS:
        raise UnlikeRunsError(
            f"both runs answered requests in {len(seconds)} seconds of their schedule",
            f"Fewer than {FEWEST_SECONDS} say nothing of how they scatter.",
            "Run longer.",
        )
    waits = np.array([[(runs[index].latency_s or 0.0) * 1000 for index in shared] for runs in (first, second)])
    drawn = _draws(waits, places, seconds, np.random.default_rng(seed))
    changes = tuple(_changes(waits, drawn, tolerance))
    lost, gained = _bad_pairs(rows, other_rows)
    p_value = _more_by_luck(lost, gained)
    return Comparison(
        before=str(before),
        after=str(after),
        pairs=len(shared),
        seconds=len(seconds),
        tolerance=tolerance,
        changes=changes,
        bad_before=sum(row.outcome not in GOOD for row in rows),
        bad_after=sum(row.outcome not in GOOD for row in other_rows),
        bad_p_value=p_value,
        checks=(*(_check(change, tolerance) for change in changes), _bad_check(lost, gained, p_value)),
    )


def refuse_unlike(one: Result, other: Result) -> None:
    """Only runs of the same schedule and payloads, from the same machine, against the same kind of engine compare.

    Raises:
        UnlikeRunsError: naming the first difference.
    """
    free = {"name", "description", "slos", "validity", "model"}
    machine = ("processor", "cores", "system")
    likes = (
        ("scenario", one.scenario.model_dump(exclude=free), other.scenario.model_dump(exclude=free)),
        ("payloads", one.payloads.digest, other.payloads.digest),
        ("processes", one.processes, other.processes),
        ("emulated", one.emulated, other.emulated),
        *((name, getattr(one.machine, name), getattr(other.machine, name)) for name in machine),
    )
    for name, left, right in likes:
        if left != right:
            differ = _difference(left, right)
            raise UnlikeRunsError(
                f"the runs differ in {name}{differ}",
                "A difference in the answers would then say nothing of the service.",
                "Run the same scenario again on the same machine.",
            )
    for which, result in (("first", one), ("second", other)):
        if result.verdict.outcome == "invalid":
            raise UnlikeRunsError(
                f"the {which} run is invalid: {result.verdict.reasons[0]}",
                "A measurement that cannot be trusted cannot be compared.",
                "Run it again.",
            )


def _difference(left: object, right: object) -> str:
    if isinstance(left, dict) and isinstance(right, dict):
        key = next(key for key in left if left[key] != right.get(key))
        return f".{key}: {left[key]!r} and {right.get(key)!r}"
    return f": {left!r} and {right!r}"


def _answered(rows: Sequence[Row]) -> dict[int, Row]:
    return {row.index: row for row in rows if row.outcome is Outcome.ANSWERED}


def _levels(waits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Percentiles of both runs: [2, levels]."""
    return np.quantile(waits, tuple(LEVELS.values()), axis=1, method="inverted_cdf").T


def _draws(
    waits: NDArray[np.float64], places: NDArray[np.int64], seconds: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Percentiles of both runs over seconds drawn with replacement: [draws, 2, levels]."""
    blocks = [np.flatnonzero(places == second) for second in seconds]
    drawn = np.empty((DRAWS, 2, len(LEVELS)))
    for number in range(DRAWS):
        chosen = np.concatenate([blocks[block] for block in rng.integers(0, len(blocks), len(blocks))])
        drawn[number] = _levels(waits[:, chosen])
    return drawn


def _changes(waits: NDArray[np.float64], drawn: NDArray[np.float64], tolerance: float) -> list[Change]:
    measured, ratios = _levels(waits), drawn[:, 1] / drawn[:, 0]
    changes = []
    for place, name in enumerate(LEVELS):
        low, high = (float(bound) for bound in np.quantile(ratios[:, place], (0.025, 0.975)))
        before, after = float(measured[0, place]), float(measured[1, place])
        ratio = after / before
        verdict: Literal["worse", "better", "same", "not proved"] = "not proved"
        if low > 1 + tolerance:
            verdict = "worse"
        elif high < 1 - tolerance:
            verdict = "better"
        elif 1 - tolerance <= low and high <= 1 + tolerance:
            verdict = "same"
        changes.append(Change(name=name, before=before, after=after, ratio=ratio, low=low, high=high, verdict=verdict))
    return changes


def _check(change: Change, tolerance: float) -> Check:
    reason = (
        f"baseline.{change.name}: {change.before:.1f} ms became {change.after:.1f} ms, {change.ratio:.2f} times "
        f"as much ({change.low:.2f} to {change.high:.2f}): {change.verdict}"
    )
    return Check(
        name=f"baseline.{change.name}",
        limit=1 + tolerance,
        found=change.ratio,
        basis="proved" if change.verdict != "not proved" else "empirical",
        holds=change.verdict != "worse",
        reason=reason,
    )


def _bad_pairs(rows: Sequence[Row], other_rows: Sequence[Row]) -> tuple[int, int]:
    """Requests that only A ended badly, and those that only B did."""
    bad = [{row.index for row in part if row.outcome not in GOOD} for part in (rows, other_rows)]
    return len(bad[0] - bad[1]), len(bad[1] - bad[0])


def _more_by_luck(lost: int, gained: int) -> float:
    """The exact one-sided McNemar test: of the requests that went differently, how many went worse."""
    from scipy.stats import binomtest

    if not lost + gained:
        return 1.0
    return float(binomtest(gained, lost + gained, 0.5, alternative="greater").pvalue)


def _bad_check(lost: int, gained: int, p_value: float) -> Check:
    reason = f"baseline.bad: {gained} requests went wrong that had gone well, {lost} the other way (p = {p_value:.2g})"
    return Check(name="baseline.bad", limit=LUCK, found=p_value, basis="count", holds=p_value > LUCK, reason=reason)
