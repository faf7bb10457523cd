"""A load with something done in its middle: measured from before it to after it, so that nothing is missed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.cluster.instance import Instance
from tests.cluster.load import Load, Measured, load
from tests.cluster.release import Release

RATE_PER_S = 3.0
AFTER = 9
"""Requests that are still sent when all is over."""


@dataclass
class Course:
    """What was done, and what the load makes of it.

    Attributes:
        running: the load.
        began: Unix time at which something was done.
        ended: Unix time at which all was well again.
        measured: what the load gave; from the end of the ``with`` on.
    """

    running: Load
    began: float
    ended: float = 0.0
    measured: Measured = field(init=False)

    @property
    def lost(self) -> Counter[str]:
        """Requests that got no record, by kind."""
        return self.measured.lost

    def on_the_way(self, since: float, until: float) -> set[int]:
        """Requests that had been sent and were not answered at some moment between two Unix times."""
        zero = self.measured.from_unix_s
        return {
            row["index"]
            for row in self.measured.rows
            if row["start_s"] is not None and row["end_s"] is not None
            if row["start_s"] + zero <= until and since <= row["end_s"] + zero
        }

    def lost_requests(self) -> dict[int, str]:
        """Each request without an answer, and what became of it."""
        kept = ("answered", "refused", "open")
        return {row["index"]: row["code"] or row["outcome"] for row in self.measured.rows if row["outcome"] not in kept}

    def fell_into_the_load(self) -> bool:
        """Whether requests came due before the beginning and after the end."""
        due = [self.measured.from_unix_s + row["intended_s"] for row in self.measured.rows]
        return min(due) < self.began < self.ended < max(due)

    def figures(self) -> dict[str, Any]:
        """For the case's line."""
        return {
            "seconds_to_heal": self.ended - self.began,
            "answered": self.measured.counts["answered"],
            "lost": dict(self.lost),
            "emulated": self.measured.emulated,
        }


@contextmanager
def under_load(cluster: Instance, release: Release, out: Path, address: str | None = None) -> Iterator[Course]:
    """Send seeded Poisson arrivals without retries, let something be done, and send on for a while.

    Args:
        cluster: in whose network it is sent.
        release: of charts/detector, that has the model ``wrist``.
        out: new folder.
        address: another base URL than that of the release's Service.
    """
    where = address or release.address()
    with load(cluster, where, out, rate_per_s=RATE_PER_S, namespace=release.space.name) as (running, finish):
        course = Course(running, time.time())
        yield course
        course.ended = time.time()
        running.go_on(AFTER)
        course.measured = finish()
