"""Times an engine as a service would use it: some callers at once, each waiting for its answer."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from carpal.engines.engine import Engine, Images

WARM_UP_CALLS = 2
FEWEST_CALLS = 3


@dataclass(frozen=True)
class Lap:
    """What was timed.

    Attributes:
        calls_ms: of every call, in any order.
        images_per_s: over all callers, while all of them were busy.
    """

    calls_ms: tuple[float, ...]
    images_per_s: float

    @property
    def median_ms(self) -> float:
        """Half of the calls took no longer."""
        return float(np.median(self.calls_ms))

    @property
    def p95_ms(self) -> float:
        """Nineteen calls in twenty took no longer."""
        return float(np.quantile(self.calls_ms, 0.95))


def time_calls(engine: Engine, image: Images, streams: int, seconds: float) -> Lap:
    """Call an engine from some threads for a while.

    Args:
        engine: to be timed.
        image: uint8 [1, 1, H, W].
        streams: callers at the same time.
        seconds: to go on for; every caller makes three calls at least.
    """
    start = threading.Barrier(streams)

    def caller(_: int) -> tuple[list[float], float, float]:
        for _call in range(WARM_UP_CALLS):
            engine.run(image)
        start.wait()
        begun = now = time.perf_counter()
        taken: list[float] = []
        while len(taken) < FEWEST_CALLS or now - begun < seconds:
            engine.run(image)
            later = time.perf_counter()
            taken.append((later - now) * 1000.0)
            now = later
        return taken, begun, now

    with ThreadPoolExecutor(streams) as pool:
        done = list(pool.map(caller, range(streams)))
    rate = sum(len(taken) / (end - begun) for taken, begun, end in done)
    return Lap(tuple(call for taken, _, _ in done for call in taken), rate)
