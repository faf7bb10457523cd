"""One image at a time gets all cores; several at a time get one stream each.

One thread for each image gives the most images per second under load, because threads of one call wait for each other.
With a single client, however, all cores but one are then idle. Measured with 2 cores in
docs/explanation/serving-speed.md, which gives the gain and the memory.
"""

from __future__ import annotations

import threading

from carpal.engines.engine import Engine, EngineInfo, Heads, Images


class IdleCoresEngine:
    """Two engines with the same weights: ``streams`` for calls that overlap, ``whole`` for a call that is alone.

    A call goes to ``whole`` if no other call is running and the previous call ran alone from start to end. The second
    condition keeps a loaded service on ``streams``: there, a call rarely finds the engine free, and if it does, the
    next call starts before it ends. An idle service starts with ``whole``.

    Args:
        streams: one stream for each call.
        whole: all cores for each call.
    """

    def __init__(self, streams: Engine, whole: Engine) -> None:
        self._streams, self._whole = streams, whole
        self._lock = threading.Lock()
        self._running = 0
        self._overlaps = 0  # calls that began while another one was running
        self._last_was_alone = True

    def run(self, images: Images) -> Heads:
        """As the engines; raises as they do."""
        with self._lock:
            first = self._running == 0
            self._running += 1
            self._overlaps += not first
            overlaps = self._overlaps
            engine = self._whole if first and self._last_was_alone else self._streams
        try:
            return engine.run(images)
        finally:
            with self._lock:
                self._running -= 1
                self._last_was_alone = first and overlaps == self._overlaps

    def describe(self) -> EngineInfo:
        """As the engines."""
        return self._streams.describe()

    def close(self) -> None:
        """Close both engines."""
        self._streams.close()
        self._whole.close()
