"""Recorded arrivals: the rows of an earlier run, or plain text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from carpal_loadtests.errors import TraceError

PARQUET = b"PAR1"


@dataclass(frozen=True)
class Trace:
    """Arrival times in seconds, sorted, the first at 0; and what they span, one mean gap beyond the last."""

    times: NDArray[np.float64]

    @property
    def span_s(self) -> float:
        """Seconds from the first arrival to one mean gap after the last."""
        return float(self.times[-1]) * len(self.times) / (len(self.times) - 1)


def read_trace(path: Path, *, more_than_s: float = 0.0) -> Trace:
    """Read a trace.

    Args:
        path: requests.parquet of a run (its column intended_s), or text with one time in seconds a line.
        more_than_s: what the trace must span to be of use.

    Raises:
        TraceError: no such file, something else than times in it, fewer than two different ones, or too short a span.
    """
    try:
        times = np.sort(_parquet(path) if path.read_bytes()[:4] == PARQUET else np.loadtxt(path, ndmin=1))
    except (OSError, ValueError, KeyError) as failure:
        raise TraceError(
            f"{path} is no trace: {failure}",
            "A trace is requests.parquet of a run, or one time in seconds a line.",
            "Correct arrivals.path.",
        ) from failure
    if times.ndim != 1 or len(times) < 2 or not np.isfinite(times).all() or times[0] == times[-1]:
        raise TraceError(
            f"{path} has {times.size} times", "Two different ones at least make a trace.", "Give a longer one."
        )
    trace = Trace(times - times[0])
    if trace.span_s <= more_than_s:
        raise TraceError(
            f"{path} spans {trace.span_s:g} s, and the warm-up takes {more_than_s:g} s of it",
            "Nothing would be left to measure.",
            "Give a longer trace or a shorter warmup_s.",
        )
    return trace


def _parquet(path: Path) -> NDArray[np.float64]:
    # Imported here: plain text needs none of it.
    import pyarrow.parquet

    column = pyarrow.parquet.read_table(path, columns=["intended_s"]).column("intended_s")
    return np.asarray(column.to_numpy(), dtype=np.float64)
