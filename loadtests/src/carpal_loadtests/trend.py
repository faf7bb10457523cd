"""Whether something grows over time: a robust slope with its interval, and a test of whether it is there at all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from carpal.document import Document

# Neighbouring seconds are alike, and the test takes points for independent: so it sees medians of equal windows.
WINDOWS = 20
FEWEST = 8


class Slope(Document):
    """The Theil-Sen slope of medians over equal windows, its interval, and the Mann-Kendall test of no trend."""

    per_s: float
    low_per_s: float = Field(description="of the interval at the confidence")
    high_per_s: float
    confidence: float
    p_value: float = Field(description="of a trend as strong by luck alone (Kendall's tau, two-sided)")
    windows: int


def slope(at_s: Sequence[float], values: Sequence[float], *, confidence: float = 0.95) -> Slope | None:
    """The slope of values over time; None where fewer than eight windows hold any.

    Args:
        at_s: times in seconds, in any order.
        values: one a time.
        confidence: of the interval (Sen, 1968).
    """
    # Imported here: 0.3 s, which a plan that sends nothing does not pay.
    from scipy import stats

    times, levels = windows(at_s, values)
    if len(times) < FEWEST:
        return None
    middle, _, low, high = stats.theilslopes(levels, times, alpha=confidence)
    p_value = 1.0 if np.ptp(levels) == 0 else float(stats.kendalltau(times, levels).pvalue)
    return Slope(
        per_s=float(middle),
        low_per_s=float(low),
        high_per_s=float(high),
        confidence=confidence,
        p_value=p_value,
        windows=len(times),
    )


def windows(at_s: Sequence[float], values: Sequence[float]) -> tuple[list[float], list[float]]:
    """Medians of times and values in at most 20 equal windows; empty ones are left out."""
    times, levels = np.asarray(at_s, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if not len(times):
        return [], []
    edges = np.linspace(times.min(), times.max(), WINDOWS + 1)
    place = np.clip(np.searchsorted(edges, times, side="right") - 1, 0, WINDOWS - 1)
    held = [number for number in range(WINDOWS) if (place == number).any()]
    middles = [float(np.median(times[place == number])) for number in held]
    return middles, [float(np.median(levels[place == number])) for number in held]
