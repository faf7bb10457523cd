"""All simulated replicas of a service: who is there, who is on the way, and who gets the next request."""

from __future__ import annotations

from random import Random

from carpal_loadtests.simulation.pod import SimPod
from carpal_loadtests.simulation.setup import Replica

LOOKED_AT = 32
"""Of more replicas than that, ``least`` looks at eight drawn by chance: to look at all would cost the most and find
little more (Mitzenmacher, The power of two choices, IEEE TPDS 2001)."""
DRAWN = 8


class Fleet:
    """Replicas by age.

    Args:
        replica: what each one is.
        balancing: ``random``, ``turns`` or ``least``.
        seed: of the balancing.
    """

    def __init__(self, replica: Replica, balancing: str, seed: int) -> None:
        self._replica = replica
        self._balancing = balancing
        self._turn = 0
        self._random = Random(seed)
        self.pods: list[SimPod] = []
        """Those that are not being deleted."""
        self.ready: list[SimPod] = []

    def begin(self, count: int) -> None:
        """Replicas that have been there for long."""
        self.pods = [self._make(-3600.0, -3600.0 + self._replica.startup_s) for _ in range(count)]
        for pod in self.pods:
            pod.advance(0.0)
        self.ready = list(self.pods)

    def scale(self, now_s: float, count: int) -> list[SimPod]:
        """Make or delete replicas; gives the new ones.

        A ReplicaSet deletes what is not ready first, then the youngest. A deleted one gets no more requests and
        finishes those that it has.
        """
        if count < len(self.pods):
            self.pods.sort(key=lambda pod: (pod.ready_s > now_s, pod.created_s))
            del self.pods[count:]
            self.ready = [pod for pod in self.pods if pod.ready_s <= now_s]
            return []
        made = [self._make(now_s, now_s + self._replica.startup_s) for _ in range(count - len(self.pods))]
        self.pods += made
        return made

    def greet(self, now_s: float) -> None:
        """Let those answer that have become ready."""
        self.ready = [pod for pod in self.pods if pod.ready_s <= now_s]

    def send(self, now_s: float, service_s: float) -> float | None:
        """Give a request to one of the ready; gives when its answer is there, None where it is refused."""
        return self._choose(now_s).take(now_s, service_s) if self.ready else None

    def advance(self, now_s: float) -> None:
        """Let everything happen that ends until now."""
        for pod in self.ready:
            pod.advance(now_s)

    def _choose(self, now_s: float) -> SimPod:
        ready = self.ready
        if len(ready) == 1:
            return ready[0]
        if self._balancing == "turns":
            self._turn += 1
            return ready[self._turn % len(ready)]
        if self._balancing == "random":
            return ready[int(self._random.random() * len(ready))]
        looked_at = ready if len(ready) <= LOOKED_AT else self._random.sample(ready, DRAWN)
        for pod in looked_at:
            pod.advance(now_s)
        return min(looked_at, key=lambda pod: pod.in_flight)

    def _make(self, created_s: float, ready_s: float) -> SimPod:
        return SimPod(created_s, ready_s, self._replica.slots, self._replica.places)
