"""What a simulated cluster does by its clocks, in order."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count

Act = Callable[[float], None]
"""Something that happens at a time, in seconds of the load."""


class Agenda:
    """Acts by time; those of one instant by their order, and of one order as they were put in."""

    def __init__(self) -> None:
        self._acts: list[tuple[float, int, int, Act]] = []
        self._serial = count()

    def at(self, at_s: float, order: int, act: Act) -> None:
        """Put one act in."""
        heapq.heappush(self._acts, (at_s, order, next(self._serial), act))

    def every(self, first_s: float, every_s: float, order: int, act: Act) -> None:
        """Put an act in that is repeated for ever."""

        def again(now_s: float) -> None:
            act(now_s)
            self.at(now_s + every_s, order, again)

        self.at(first_s, order, again)

    def run_to(self, now_s: float) -> None:
        """Let everything happen until now, and what is due now."""
        while self._acts and self._acts[0][0] <= now_s:
            at_s, _, _, act = heapq.heappop(self._acts)
            act(at_s)
