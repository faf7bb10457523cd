"""One simulated replica: slots, places to wait, and what it has done so far, exact to the instant."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field


@dataclass(eq=False)
class SimPod:
    """First come, first served; nothing is cancelled.

    Attributes:
        created_s: when the autoscaler's decision made it.
        ready_s: when it begins to answer.
        slots: requests that it serves at once.
        places: requests that may wait.
    """

    created_s: float
    ready_s: float
    slots: int
    places: int
    in_flight: int = 0
    in_flight_area: float = 0.0
    """Integral of requests in it, served and waiting."""
    busy_area: float = 0.0
    """Integral of slots at work: slot-seconds."""
    answered: int = 0
    _now_s: float = 0.0
    _ends: list[float] = field(default_factory=list)
    _free: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._now_s = self.ready_s
        self._free = [self.ready_s] * self.slots

    def advance(self, now_s: float) -> None:
        """Let everything happen that ends until now."""
        ends = self._ends
        while ends and ends[0] <= now_s:
            self._pass(heapq.heappop(ends))
            self.in_flight -= 1
            self.answered += 1
        if now_s > self._now_s:
            self._pass(now_s)

    def take(self, now_s: float, service_s: float) -> float | None:
        """Let a request in; gives when its answer is ready, None where it is refused."""
        self.advance(now_s)
        if self.in_flight >= self.slots + self.places:
            return None
        end_s = max(now_s, heapq.heappop(self._free), self.ready_s) + service_s
        heapq.heappush(self._free, end_s)
        heapq.heappush(self._ends, end_s)
        self.in_flight += 1
        return end_s

    def _pass(self, until_s: float) -> None:
        spent_s = until_s - self._now_s
        self.in_flight_area += self.in_flight * spent_s
        self.busy_area += min(self.in_flight, self.slots) * spent_s
        self._now_s = until_s
