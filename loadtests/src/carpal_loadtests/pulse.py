"""How late a process is at moments that nobody else sets: on a busy machine it waits for its turn, and nothing says so.

A request's lag tells of the moments at which requests were due. An answer that lies in the kernel while the process
waits for a core, collects garbage or reads something else looks like a slow service instead. Beats on a grid see that.
"""

from __future__ import annotations

from array import array

import numpy as np

EVERY_S = 0.05


class Pulse:
    """Beats every 50 ms, and how late each was; those that came due in one pause are all late by what was left of it.

    Args:
        from_s: when the first beat is due, on the clock of ``beat``.
    """

    def __init__(self, from_s: float) -> None:
        self.due_s = from_s
        """When the next beat is due."""
        self._late_s = array("f")

    def beat(self, now_s: float) -> None:
        """Note every beat that has come due."""
        while self.due_s <= now_s:
            self._late_s.append(now_s - self.due_s)
            self.due_s += EVERY_S

    @property
    def p99_ms(self) -> float:
        """For 99 % of the time the process was no later than that, in ms; 0 before the first beat."""
        return round(float(np.quantile(self._late_s, 0.99)) * 1000, 3) if self._late_s else 0.0
