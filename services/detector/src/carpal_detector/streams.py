"""The threads that compute: each takes the next piece of work as soon as it is free.

concurrent.futures would do, at several times the cost a piece: its futures carry a lock and a condition that nobody
waits on here, because results travel to the event loop by call_soon_threadsafe.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

Work = Callable[[], None]


class Streams:
    """A fixed number of threads.

    Args:
        count: threads.
        name: of the threads, for debuggers.
    """

    def __init__(self, count: int, name: str = "stream") -> None:
        self._queue: SimpleQueue[Work | None] = SimpleQueue()
        self._name = name
        self._threads: list[threading.Thread] = []
        self.widen(count)

    def widen(self, count: int) -> None:
        """Have at least so many threads."""
        for number in range(len(self._threads), count):
            thread = threading.Thread(target=self._serve, name=f"{self._name}-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def submit(self, work: Work) -> None:
        """Have work done on a thread; it must not raise."""
        self._queue.put(work)

    def close(self) -> None:
        """Let every thread go once it is free; a second call does nothing."""
        for _ in self._threads:
            self._queue.put(None)
        self._threads = []

    def _serve(self) -> None:
        while (work := self._queue.get()) is not None:
            work()
            del work  # what it holds, an image for one, goes now and not when the next one comes
