"""Dynamic batching: images of several streams go through the network in one call, where one call is cheaper than many.

It is an engine over an engine, so neither the scheduler nor the detector knows of it: each stream calls ``run`` with
its own image and comes back with its own head. On a CPU it cannot pay, because one image keeps every core busy.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np

from carpal.engines import deadline
from carpal.engines.engine import Engine, EngineInfo, Heads, Images

Told = Callable[[int, float], None]


class CountedEngine:
    """Says of every call of an engine how many images it had and how many seconds it took.

    Args:
        engine: computes.
        told: hears of it, on the thread of the call.
    """

    def __init__(self, engine: Engine, told: Told) -> None:
        self._engine = engine
        self._told = told

    def run(self, images: Images) -> Heads:
        """As the engine."""
        begun = time.perf_counter()
        heads = self._engine.run(images)
        self._told(len(images), time.perf_counter() - begun)
        return heads

    def describe(self) -> EngineInfo:
        """As the engine."""
        return self._engine.describe()

    def close(self) -> None:
        """As the engine."""
        self._engine.close()


class _Entry:
    """The images of one caller, and what becomes of them."""

    def __init__(self, images: Images) -> None:
        self.images = images
        self.arrived_s = time.monotonic()
        self.until_s = deadline.until_s()
        self.taken = False
        self.done = threading.Event()
        self.heads: Heads | None = None
        self.failure: BaseException | None = None


class BatchingEngine:
    """Gathers images while the engine is busy, and for ``wait_s`` where it is not, and runs them together.

    One of the callers leads: it waits for the engine, takes whoever has come, and runs the batch for all. What arrives
    meanwhile is the next batch, with a leader of its own.

    Args:
        engine: computes; one call at a time.
        most: images in a batch.
        wait_s: how long an image waits for company on an idle engine.
    """

    def __init__(self, engine: Engine, *, most: int, wait_s: float) -> None:
        self._engine = engine
        self._most = most
        self._wait_s = wait_s
        self._changed = threading.Condition()
        self._waiting: list[_Entry] = []
        self._led = False
        self._busy = threading.Lock()

    def run(self, images: Images) -> Heads:
        """uint8 [N, 1, H, W] to float32 [N, 4 + classes, anchors], perhaps in one call with the images of others.

        Raises:
            EngineError: the network failed, for all who were in the call.
        """
        entry = _Entry(images)
        with self._changed:
            self._waiting.append(entry)
            self._changed.notify_all()
        while self._leads(entry):
            with self._busy:
                self._compute(self._gathered())
        entry.done.wait()
        if entry.failure is not None:
            raise entry.failure
        assert entry.heads is not None
        return entry.heads

    def describe(self) -> EngineInfo:
        """As the engine."""
        return self._engine.describe()

    def close(self) -> None:
        """As the engine."""
        self._engine.close()

    def _leads(self, entry: _Entry) -> bool:
        """Wait until somebody has taken the entry (false), or nobody leads (true): then its caller does."""
        with self._changed:
            self._changed.wait_for(lambda: entry.taken or not self._led)
            if entry.taken:
                return False
            self._led = True
            return True

    def _gathered(self) -> list[_Entry]:
        """Whoever is in the next batch; the others get another leader."""
        with self._changed:
            until_s = self._waiting[0].arrived_s + self._wait_s
            while self._size() < self._most and (left_s := until_s - time.monotonic()) > 0:
                self._changed.wait(left_s)
            batch: list[_Entry] = []
            while self._waiting and (not batch or _images(batch) + len(self._waiting[0].images) <= self._most):
                batch.append(self._waiting.pop(0))
                batch[-1].taken = True
            self._led = False
            self._changed.notify_all()
            return batch

    def _compute(self, batch: list[_Entry]) -> None:
        try:
            with deadline.before(_latest(batch)):
                heads = self._engine.run(np.concatenate([entry.images for entry in batch]))
            start = 0
            for entry in batch:
                entry.heads = heads[start : start + len(entry.images)]
                start += len(entry.images)
        except BaseException as failure:
            for entry in batch:
                entry.failure = failure
        finally:
            for entry in batch:
                entry.done.set()

    def _size(self) -> int:
        return _images(self._waiting)


def _images(entries: list[_Entry]) -> int:
    return sum(len(entry.images) for entry in entries)


def _latest(entries: list[_Entry]) -> float | None:
    """The deadline of a batch: somebody in it still wants the answer until then."""
    ends = [entry.until_s for entry in entries if entry.until_s is not None]
    return max(ends) if len(ends) == len(entries) else None


class TurnsEngine:
    """An engine that is called so many times at once and no more; whoever comes beyond them waits for a turn.

    Networks that compute in turns keep their values in the caches of their cores, which one more would drive out.
    """

    def __init__(self, engine: Engine, calls: int) -> None:
        self._engine = engine
        self._turns = threading.BoundedSemaphore(calls)

    def run(self, images: Images) -> Heads:
        """Run in turn; raises as the engine does."""
        with self._turns:
            return self._engine.run(images)

    def describe(self) -> EngineInfo:
        """What the engine is."""
        return self._engine.describe()

    def close(self) -> None:
        """Close the engine."""
        self._engine.close()
