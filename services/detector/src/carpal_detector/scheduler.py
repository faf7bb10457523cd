"""Admission, deadlines, streams and drain: which job runs when, and which one never does.

A fixed number of streams (threads) computes; a bounded queue waits; whoever finds it full is told at once. The
scheduler knows neither the wire nor what a job computes, and all its bookkeeping happens on the event loop.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from math import ceil
from typing import Any, Generic, TypeVar

from carpal_detector.errors import BodyTooLargeError, DeadlinePassedError, DrainingError, OverloadedError

# Share of a new sample in the running mean of service time: the last ten jobs weigh about two thirds.
SMOOTHING = 0.1

T = TypeVar("T")


@dataclass(eq=False)
class _Ticket(Generic[T]):
    """One admitted job: called with the milliseconds that it waited, answered through a future of the event loop."""

    job: Callable[[float], T]
    answer: asyncio.Future[T]
    admitted_s: float
    deadline_s: float | None
    alarm: asyncio.TimerHandle | None = None


class Scheduler:
    """First come, first served, on ``streams`` threads with at most ``queue`` jobs waiting.

    Deadlines are in the event loop's own seconds (``loop.time()``). A job that has begun is finished, whatever its
    deadline: only waiting jobs are dropped, before anything is computed for them.
    """

    def __init__(self, streams: int, queue: int) -> None:
        self.streams = streams
        self.queue = queue
        self._executor = ThreadPoolExecutor(streams, thread_name_prefix="stream")
        self._waiting: deque[_Ticket[Any]] = deque()
        self._at_work: set[_Ticket[Any]] = set()
        self._mean_s = 0.0
        self._admitting = True
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def waiting(self) -> int:
        """Jobs in the queue."""
        return len(self._waiting)

    @property
    def running(self) -> int:
        """Jobs on a stream."""
        return len(self._at_work)

    def expect_room(self, jobs: int = 1) -> None:
        """Refuse what could not be admitted now; transports ask before they read a body.

        Raises:
            DrainingError: no new work is taken.
            BodyTooLargeError: more jobs than streams and queue hold together.
            OverloadedError: fewer free places than jobs.
        """
        if not self._admitting:
            raise DrainingError(
                "The service is about to end", "It takes no new work.", "Send the request again, elsewhere."
            )
        places = self.streams + self.queue
        if jobs > places:
            raise BodyTooLargeError(
                f"The request has {jobs} images", f"The service holds {places} at once.", "Send fewer in a request."
            )
        taken = self.waiting + self.running
        if taken + jobs > places:
            raise OverloadedError(
                f"{self.waiting} images wait and {self.running} are at work",
                f"The service holds {places} at once, so that those it has taken are answered in time.",
                "Send the request again after the seconds that Retry-After names.",
                retry_after_s=max(1, ceil(taken * self._mean_s / self.streams)),
            )

    async def run(self, jobs: Sequence[Callable[[float], T]], *, deadline_s: float | None = None) -> list[T]:
        """All jobs of one request, admitted together or not at all; the first failure drops those that still wait.

        Args:
            jobs: each is called on a stream with the milliseconds that it waited.
            deadline_s: loop time after which a job that still waits is dropped.

        Raises:
            DrainingError, BodyTooLargeError, OverloadedError: as expect_room.
            DeadlinePassedError: the deadline came first.
            Exception: whatever a job raised.
        """
        self.expect_room(len(jobs))
        answers = [self._admit(job, deadline_s) for job in jobs]
        try:
            return list(await asyncio.gather(*answers))
        finally:
            for answer in answers:
                answer.cancel()

    def stop_admission(self) -> None:
        """From now on every new request is refused; those admitted go on."""
        self._admitting = False

    async def drained(self, limit_s: float) -> bool:
        """Wait until nothing waits or runs; false where that took longer than the limit."""
        try:
            await asyncio.wait_for(self._idle.wait(), limit_s)
        except TimeoutError:
            return False
        return True

    def abandon(self) -> None:
        """Tell everybody who is not answered yet that nothing will come; what is on a stream runs on unheard."""
        for ticket in [*self._waiting, *self._at_work]:
            if not ticket.answer.done():
                ticket.answer.set_exception(
                    DrainingError(
                        "The service ends before this image is done",
                        "It took longer than the service may take to end.",
                        "Send the request again, elsewhere.",
                    )
                )

    def close(self) -> None:
        """Let the threads go; jobs on a stream are not waited for."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _admit(self, job: Callable[[float], T], deadline_s: float | None) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        ticket = _Ticket(job, loop.create_future(), loop.time(), deadline_s)
        self._waiting.append(ticket)
        self._idle.clear()
        if deadline_s is not None:
            ticket.alarm = loop.call_at(deadline_s, self._expire, ticket)
        ticket.answer.add_done_callback(lambda _: self._leave(ticket))
        self._dispatch()
        return ticket.answer

    def _dispatch(self) -> None:
        """Give free streams to those who have waited longest."""
        while self._waiting and self.running < self.streams:
            ticket = self._waiting.popleft()
            if not ticket.answer.done():
                self._begin(ticket)
        if not self._waiting and not self._at_work:
            self._idle.set()

    def _begin(self, ticket: _Ticket[Any]) -> None:
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        if ticket.deadline_s is not None and begun_s >= ticket.deadline_s:
            ticket.answer.set_exception(_deadline_passed())
            return
        self._at_work.add(ticket)
        work = self._executor.submit(ticket.job, (begun_s - ticket.admitted_s) * 1e3)
        work.add_done_callback(lambda done: loop.call_soon_threadsafe(self._finish, ticket, begun_s, done))

    def _finish(self, ticket: _Ticket[Any], begun_s: float, work: Future[Any]) -> None:
        self._at_work.discard(ticket)
        taken_s = asyncio.get_running_loop().time() - begun_s
        self._mean_s += (taken_s - self._mean_s) * (SMOOTHING if self._mean_s else 1.0)
        if not ticket.answer.done():
            failure = work.exception()
            if failure is None:
                ticket.answer.set_result(work.result())
            else:
                ticket.answer.set_exception(failure)
        self._dispatch()

    def _expire(self, ticket: _Ticket[Any]) -> None:
        if ticket in self._waiting and not ticket.answer.done():
            ticket.answer.set_exception(_deadline_passed())

    def _leave(self, ticket: _Ticket[Any]) -> None:
        """Free the place of a job that was answered, dropped or given up, so that its image is not held any longer."""
        if ticket.alarm is not None:
            ticket.alarm.cancel()
        if ticket in self._waiting:
            self._waiting.remove(ticket)
            self._dispatch()


def _deadline_passed() -> DeadlinePassedError:
    return DeadlinePassedError(
        "The deadline passed while the image waited for a stream",
        "Nothing was computed for it.",
        "Allow more time in X-Request-Deadline-Ms, or send fewer requests at once.",
    )
