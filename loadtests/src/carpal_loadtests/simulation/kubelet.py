"""When the kubelet reads the CPU counters of containers: cAdvisor's housekeeping, which metrics-server depends on.

A container is read when it starts, and then after the interval times 1 to 2, by chance, so that not all are read at
once (cAdvisor 0.52, manager/container.go, nextHousekeepingInterval).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random


class Kubelet:
    """Readings of one pod after the other.

    Args:
        housekeeping_s: the shortest time between two readings of a container.
        seed: of the chance.
        recorded: readings of a real kubelet, pod by pod in the order in which they were made: they are kept to, and
            chance decides before, after, and of pods that the recording lacks.
    """

    def __init__(self, housekeeping_s: float, seed: int, recorded: Sequence[Sequence[float]] = ()) -> None:
        self._housekeeping_s = housekeeping_s
        self._random = Random(seed)
        self._recorded = iter(recorded)

    def readings(self, from_s: float) -> Iterator[float]:
        """The times at which the next pod is read, which is there from ``from_s`` on; without end."""
        known = [at_s for at_s in next(self._recorded, ()) if at_s > from_s]
        at_s = from_s
        while not known or at_s < known[0]:
            yield at_s
            at_s += self._housekeeping_s * (1 + self._random.random())
        yield from known
        at_s = known[-1]
        while True:
            at_s += self._housekeeping_s * (1 + self._random.random())
            yield at_s
