"""When each request is sent: a schedule that is computed before the run and owes nothing to the answers."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from carpal.document import Document

Rate = Annotated[float, Field(gt=0, le=100_000, description="requests a second")]
Seconds = Annotated[float, Field(gt=0, le=7 * 24 * 3600, description="seconds of measurement, after the warm-up")]


class Constant(Document):
    """Requests at equal gaps: the k-th is sent at k / rate."""

    kind: Literal["constant"] = "constant"
    rate_per_s: Rate
    duration_s: Seconds

    def times(self, span_s: float, seed: int) -> NDArray[np.float64]:
        """Intended send times in [0, span_s), in seconds; the same for every seed."""
        del seed
        # Rounded first, so that 0.1 s at 30/s is 3 requests however the product falls in binary.
        count = int(np.ceil(round(span_s * self.rate_per_s, 6)))
        return np.arange(count) / self.rate_per_s


class Poisson(Document):
    """Independent users: exponential gaps, so the number of requests in any second has a Poisson distribution."""

    kind: Literal["poisson"] = "poisson"
    rate_per_s: Rate
    duration_s: Seconds

    def times(self, span_s: float, seed: int) -> NDArray[np.float64]:
        """Intended send times in [0, span_s), in seconds."""
        rng = np.random.default_rng([seed, 0])
        expected = span_s * self.rate_per_s
        parts: list[NDArray[np.float64]] = []
        last = 0.0
        while last < span_s:
            gaps = rng.exponential(1 / self.rate_per_s, int(expected + 4 * expected**0.5) + 8)
            part = last + np.cumsum(gaps)
            parts.append(part)
            last = float(part[-1])
        times = np.concatenate(parts)
        return times[times < span_s]


Arrivals = Annotated[Constant | Poisson, Field(discriminator="kind")]


def schedule(arrivals: Constant | Poisson, *, warmup_s: float, seed: int) -> NDArray[np.float64]:
    """Intended send times in seconds from the start of the run, sorted; the same for the same seed.

    The first ``warmup_s`` seconds are sent like the rest and left out of every figure; ``duration_s`` follows them.
    """
    return arrivals.times(warmup_s + arrivals.duration_s, seed)


def choices(count: int, payloads: int, *, seed: int) -> NDArray[np.int64]:
    """Which payload each request carries: drawn evenly, from a stream apart from the arrivals'."""
    return np.random.default_rng([seed, 1]).integers(0, payloads, count)


def part(count: int, worker: int, workers: int) -> range:
    """The indices that one of several workers sends: i with i % workers == worker."""
    if not 0 <= worker < workers:
        raise ValueError(f"worker {worker} is not one of {workers}")
    return range(worker, count, workers)
