"""The highest rate that holds, found by trials: up by doubling, in between by halving the ratio, then confirmed.

MLPerf's server scenario searches the same way and backs off where the long run fails (MLCommons inference rules).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Fate = Literal["holds", "fails", "invalid"]
Trial = Callable[[float], Fate]

FEWEST_TIMES_LESS = 64
MOST_BACKED_OFF = 5


@dataclass
class Search:
    """What a search found.

    Attributes:
        rate: the highest rate that held; None where none did.
        failed: the lowest rate that failed; None where none did.
        invalid: the lowest rate at which the generator was the limit; None where it never was.
        confirmed: whether the long run held at ``rate``.
        stopped_by: why the search could not go on.
    """

    rate: float | None = None
    failed: float | None = None
    invalid: float | None = None
    confirmed: bool = False
    stopped_by: str | None = None
    tried: list[tuple[float, Fate]] = field(default_factory=list)

    @property
    def above(self) -> float:
        """The lowest rate that is known not to hold, or not to be known."""
        return min(self.failed or float("inf"), self.invalid or float("inf"))

    @property
    def blind(self) -> bool:
        """Whether the generator hides what the service does just above the rate that was found."""
        return self.invalid is not None and self.invalid <= self.above


def search(trial: Trial, confirm: Trial, *, start: float, most: float, tolerance: float) -> Search:
    """Find the highest rate that holds.

    Args:
        trial: a short run at a rate.
        confirm: a long one.
        start: the first rate that is tried.
        most: no higher rate is tried.
        tolerance: the search ends where the lowest rate that failed or was invalid is at most this share above the
            highest that held.
    """
    found = Search()
    _bracket(found, trial, start, most)
    while found.stopped_by is None and found.rate and 1 + tolerance < found.above / found.rate < float("inf"):
        _try(found, trial, (found.rate * found.above) ** 0.5)
    if found.blind and found.stopped_by is None:
        found.stopped_by = f"at {found.invalid:.4g}/s the generator is the limit, not the service"
    if found.rate is not None:
        _confirm(found, confirm, tolerance)
    return found


def _bracket(found: Search, trial: Trial, start: float, most: float) -> None:
    """Double until a rate fails; where the first one fails already, halve until one holds."""
    rate = min(start, most)
    while _try(found, trial, rate) == "holds" and found.stopped_by is None:
        if rate >= most:
            found.stopped_by = f"the highest rate that may be tried, {most:g}/s, holds"
            return
        rate = min(rate * 2, most)
    while found.rate is None and found.stopped_by is None:
        rate /= 2
        if rate < start / FEWEST_TIMES_LESS:
            found.stopped_by = f"no rate down to {rate * 2:g}/s holds"
            return
        _try(found, trial, rate)


def _try(found: Search, trial: Trial, rate: float) -> Fate:
    fate = trial(rate)
    found.tried.append((rate, fate))
    if fate == "invalid":
        found.invalid = min(rate, found.invalid or float("inf"))
    elif fate == "holds":
        found.rate = max(rate, found.rate or 0.0)
    else:
        found.failed = min(rate, found.failed or float("inf"))
    return fate


def _confirm(found: Search, confirm: Trial, tolerance: float) -> None:
    """The long run at the rate that was found; each time that it fails, back off by the tolerance."""
    assert found.rate is not None
    for _ in range(MOST_BACKED_OFF + 1):
        fate = confirm(found.rate)
        if fate == "holds":
            found.confirmed = True
            return
        if fate == "invalid":
            found.invalid = min(found.rate, found.invalid or float("inf"))
            found.stopped_by = f"the long run at {found.rate:g}/s was invalid"
            return
        found.failed = found.rate
        found.rate /= 1 + tolerance
    found.stopped_by = f"the long run failed {MOST_BACKED_OFF + 1} times, down to {found.rate * (1 + tolerance):g}/s"
