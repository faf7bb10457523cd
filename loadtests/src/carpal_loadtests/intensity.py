"""A rate of arrivals that changes over time: straight pieces, with the way from a number of arrivals back to its time.

The k-th of evenly spaced arrivals comes when the integral of the rate reaches k; a Poisson process of that rate is a
Poisson process of rate 1 on the scale of the integral (time change; Kingman, Poisson Processes, 1993, section 4.5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.float64]


@dataclass(frozen=True)
class Piece:
    """A stretch in which the rate goes in a straight line."""

    duration_s: float
    from_per_s: float
    to_per_s: float

    @property
    def arrivals(self) -> float:
        """The integral of the rate over the piece."""
        return self.duration_s * (self.from_per_s + self.to_per_s) / 2


class Intensity:
    """Pieces one after the other, from second 0 on."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces = [piece for piece in pieces if piece.duration_s > 0]
        self._starts_s = np.cumsum([0.0, *(piece.duration_s for piece in self._pieces)])
        self._counts = np.cumsum([0.0, *(piece.arrivals for piece in self._pieces)])

    @property
    def arrivals(self) -> float:
        """Expected arrivals over all pieces."""
        return float(self._counts[-1])

    def even(self) -> Times:
        """Arrivals at equal steps of the integral, the first at once; for a constant rate the k-th is at k / rate."""
        # Rounded first, so that 0.1 s at 30/s is 3 requests however the product falls in binary.
        return self.times_of(np.arange(int(np.ceil(round(self.arrivals, 6))), dtype=np.float64))

    def poisson(self, rng: np.random.Generator) -> Times:
        """A Poisson process of this rate."""
        parts: list[Times] = []
        last = 0.0
        while last < self.arrivals:
            part = last + np.cumsum(rng.standard_exponential(int(self.arrivals + 4 * self.arrivals**0.5) + 8))
            parts.append(part)
            last = float(part[-1])
        counts = np.concatenate(parts) if parts else np.empty(0)
        return self.times_of(counts[counts < self.arrivals])

    def times_of(self, counts: Times) -> Times:
        """When the integral of the rate reaches each of these counts, in seconds; counts are in [0, arrivals)."""
        if not len(counts):
            return np.empty(0)
        place = np.clip(np.searchsorted(self._counts, counts, side="right") - 1, 0, len(self._pieces) - 1)
        length, start_rate, end_rate = np.array(
            [(piece.duration_s, piece.from_per_s, piece.to_per_s) for piece in self._pieces]
        ).T[:, place]
        rest = counts - self._counts[place]
        # The root of slope / 2 * t**2 + start * t = rest, in the form that loses no digits where the slope is small.
        slope = (end_rate - start_rate) / length
        root = np.sqrt(np.maximum(start_rate**2 + 2 * slope * rest, 0.0))
        divisor = start_rate + root
        within = np.divide(2 * rest, divisor, out=np.zeros_like(rest), where=divisor > 0)
        return np.asarray(self._starts_s[place] + np.minimum(within, length))
