"""The threads that compute: each takes the next piece of work as soon as it is free.

concurrent.futures would do, at several times the cost a piece. Two things are dear where a piece is short: to wake a
thread, and to have two threads want the interpreter at once. So an idle thread is woken at the end of a turn of the
event loop, when it is about to wait anyway; others for what came in the same turn only if the first has not done it
soon; and results that come close together reach the event loop in one call.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

# What comes in one turn of the event loop waits so long for the one thread that was woken, before others are.
SOON_S = 0.001

T = TypeVar("T")
Done = Callable[[T | None, BaseException | None], object]
Piece = tuple[Callable[[], Any], Done[Any]]


class Streams:
    """A fixed number of threads beside one event loop.

    Args:
        count: threads.
        name: of the threads, for debuggers.
    """

    def __init__(self, count: int, name: str = "stream") -> None:
        self._name = name
        self._threads: list[threading.Thread] = []
        self._work: deque[Piece] = deque()
        self._idle: list[threading.Lock] = []  # what each idle thread waits for
        self._ended: deque[tuple[Done[Any], Any, BaseException | None]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waking = False
        self._looking = False
        self._telling = False
        self._closed = False
        self.widen(count)

    def widen(self, count: int) -> None:
        """Have at least so many threads."""
        for number in range(len(self._threads), count):
            thread = threading.Thread(target=self._serve, name=f"{self._name}-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def submit(self, work: Callable[[], T], done: Done[T]) -> Piece:
        """Have work done on a thread; called on the event loop.

        Args:
            work: the piece.
            done: called on the event loop with what came of it, or with what it raised.

        Returns:
            What ``withdraw`` takes.
        """
        loop = self._loop = self._loop or asyncio.get_running_loop()
        piece = (work, done)
        self._work.append(piece)
        if not self._waking:
            self._waking = True
            loop.call_soon(self._wake, loop)
        return piece

    def withdraw(self, piece: Piece) -> bool:
        """Take back a piece that no thread has begun, and that is told of nobody; false where one has."""
        try:
            self._work.remove(piece)
        except ValueError:
            return False
        return True

    def close(self) -> None:
        """Let every thread go once nothing is left to do; a second call does nothing."""
        self._closed = True
        while self._idle:
            with suppress(IndexError):  # a thread has just seen for itself that there is something to do
                self._idle.pop().release()
        self._threads = []

    def _wake(self, loop: asyncio.AbstractEventLoop) -> None:
        """One thread; the others for what it has not done soon."""
        self._waking = False
        self._rouse()
        if len(self._work) > 1 and not self._looking:
            self._looking = True
            loop.call_later(SOON_S, self._look)

    def _look(self) -> None:
        self._looking = False
        for _ in range(len(self._work)):
            self._rouse()

    def _rouse(self) -> None:
        with suppress(IndexError):  # all are at work, or the last idle one has just seen that there is some
            if self._work:
                self._idle.pop().release()

    def _serve(self) -> None:
        gate = threading.Lock()
        gate.acquire()
        while self._has_work(gate):
            try:
                work, done = self._work.popleft()
            except IndexError:  # another thread was quicker
                continue
            self._tell(done, *_outcome(work))
            del work, done  # what they hold, an image for one, goes now and not when the next one comes

    def _has_work(self, gate: threading.Lock) -> bool:
        """Wait for work; false where there will be none."""
        while not self._work:
            if self._closed:
                return False
            self._idle.append(gate)
            if self._work or self._closed:  # it came before anybody could know that this thread is idle
                with suppress(ValueError):
                    self._idle.remove(gate)
                    continue
            gate.acquire()
        return True

    def _tell(self, done: Done[Any], result: Any, failure: BaseException | None) -> None:
        self._ended.append((done, result, failure))
        if not self._telling and self._loop is not None:
            self._telling = True
            with suppress(RuntimeError):  # the event loop has ended, and with it everybody who waited
                self._loop.call_soon_threadsafe(self._tell_all)

    def _tell_all(self) -> None:
        self._telling = False
        try:
            while self._ended:
                done, result, failure = self._ended.popleft()
                done(result, failure)
        finally:
            if self._ended and self._loop is not None:  # one raised; the others hear all the same
                self._loop.call_soon(self._tell_all)


def _outcome(work: Callable[[], T]) -> tuple[T | None, BaseException | None]:
    try:
        return work(), None
    except BaseException as raised:
        return None, raised
