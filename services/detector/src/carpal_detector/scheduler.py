"""Admission, deadlines, streams and drain: which job runs when, and which one never does.

A fixed number of streams (threads) computes; a bounded queue waits; whoever finds it full is told at once. The
scheduler knows neither the wire nor what a job computes, and all its bookkeeping happens on the event loop.

Each stream has its next job in hand while it works on one, so that it need not wait for the event loop between the two:
that would have to be given the interpreter first, by streams that are busy with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil
from time import monotonic
from typing import Any, Generic, TypeVar

from carpal_detector.errors import (
    BodyTooLargeError,
    DeadlinePassedError,
    DrainingError,
    OverloadedError,
    WaitTooLongError,
)
from carpal_detector.fairness import FairQueue
from carpal_detector.streams import Piece, Streams

# Share of a new sample in the running mean of service time: the last ten jobs weigh about two thirds.
SMOOTHING = 0.1

T = TypeVar("T")


@dataclass(eq=False, slots=True)
class _Ticket(Generic[T]):
    """One admitted job: called with the milliseconds that it waited, answered through a future of the event loop.

    Attributes:
        queued: not in the hand of a stream yet.
        piece: once it is, by which it can be taken back.
        admitted_s, begun_s, ended_s: in seconds of ``time.monotonic``; the event loop's clock is the same, in steps of
            a millisecond.
    """

    job: Callable[[float], T]
    answer: asyncio.Future[T]
    tenant: str
    admitted_s: float
    deadline_s: float | None
    queued: bool = True
    piece: Piece | None = None
    begun_s: float | None = None
    ended_s: float = 0.0
    alarm: asyncio.TimerHandle | None = None

    def compute(self) -> T:
        """On a stream.

        Raises:
            DeadlinePassedError: it has come too late.
        """
        now_s = monotonic()
        if self.deadline_s is not None and now_s >= self.deadline_s:
            raise _deadline_passed()
        self.begun_s = now_s
        try:
            return self.job((now_s - self.admitted_s) * 1e3)
        finally:
            self.ended_s = monotonic()


class Scheduler:
    """Tenants in turn, each first come, first served, on ``streams`` threads with at most ``queue`` jobs waiting.

    Deadlines are in the event loop's own seconds (``loop.time()``). A job that has begun is finished, whatever its
    deadline: only waiting jobs are dropped, before anything is computed for them.

    Args:
        streams: jobs at work at once.
        queue: jobs that may wait.
        tenant_share: most of the queue that one tenant may hold.
    """

    def __init__(self, streams: int, queue: int, *, tenant_share: float = 1.0) -> None:
        self.streams = streams
        self.queue = queue
        self._tenant_places = queue if tenant_share >= 1 else ceil(queue * tenant_share)
        self._threads = Streams(streams)
        self._parsers = Streams(streams, "parser")
        self._waiting: FairQueue[_Ticket[Any]] = FairQueue()
        self._in_hand: set[_Ticket[Any]] = set()  # of the streams: at work, or next
        self._mean_s = 0.0
        self._admitting = True
        self._idle = asyncio.Event()
        self._idle.set()

    def resize(self, streams: int) -> None:
        """Have so many streams, once it is known how many images the engines take at once."""
        self.streams = streams
        self._threads.widen(streams)

    @property
    def waiting(self) -> int:
        """Jobs that wait for a stream."""
        return len(self._waiting) + max(0, len(self._in_hand) - self.streams)

    @property
    def running(self) -> int:
        """Jobs on a stream."""
        return min(len(self._in_hand), self.streams)

    def expect_room(self, jobs: int = 1, *, deadline_s: float | None = None, tenant: str = "") -> None:
        """Refuse what could not be admitted now; transports ask before they read a body.

        Raises:
            DrainingError: no new work is taken.
            BodyTooLargeError: more jobs than streams and queue hold together.
            OverloadedError: fewer free places than jobs, over all or for this tenant.
            WaitTooLongError: by what jobs take now, the last of them would begin after the deadline.
        """
        if not self._admitting:
            raise DrainingError(
                "The service is about to end", "It takes no new work.", "Send the request again, elsewhere."
            )
        free = self.streams - self.running
        if jobs <= free:
            return
        self._expect_place(jobs, free, tenant)
        if deadline_s is not None:
            self._expect_in_time(jobs, free, deadline_s)

    async def run(
        self, jobs: Sequence[Callable[[float], T]], *, deadline_s: float | None = None, tenant: str = ""
    ) -> list[T]:
        """All jobs of one request, admitted together or not at all; the first failure drops those that still wait.

        Args:
            jobs: each is called on a stream with the milliseconds that it waited.
            deadline_s: loop time after which a job that still waits is dropped.
            tenant: whose turn they take.

        Raises:
            DrainingError, BodyTooLargeError, OverloadedError, WaitTooLongError: as expect_room.
            DeadlinePassedError: the deadline came first.
            Exception: whatever a job raised.
        """
        self.expect_room(len(jobs), deadline_s=deadline_s, tenant=tenant)
        tickets = [self._admit(job, deadline_s, tenant) for job in jobs]
        try:
            if len(tickets) == 1:
                return [await tickets[0].answer]
            return list(await asyncio.gather(*(ticket.answer for ticket in tickets)))
        finally:
            for ticket in tickets:
                self._leave(ticket)

    async def aside(self, work: Callable[[], T]) -> T:
        """Work that is no image's, on a thread that is no stream: reading a long text, for one."""
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._parsers.submit(work, partial(_tell, answer))
        return await answer

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
        for ticket in [*self._waiting, *self._in_hand]:
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
        self._threads.close()
        self._parsers.close()

    def _expect_place(self, jobs: int, free: int, tenant: str) -> None:
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
        own = self._waiting.waiting(tenant)
        if own + jobs - free > self._tenant_places:
            raise OverloadedError(
                f"{own} images of this tenant wait",
                f"One tenant may hold {self._tenant_places} of the {self.queue} places, so that others find one.",
                "Send the request again after the seconds that Retry-After names.",
                retry_after_s=max(1, ceil(own * self._mean_s / self.streams)),
            )

    def _expect_in_time(self, jobs: int, free: int, deadline_s: float) -> None:
        """The answer counts, not the beginning: a job that would end after the deadline is refused while it costs
        nothing. Only what has to wait is judged, so that a wrong estimate is soon put right by a job that runs."""
        rounds = ceil((self.waiting + jobs - free) / self.streams)
        expected_s = (rounds + 1) * self._mean_s
        left_s = deadline_s - asyncio.get_running_loop().time()
        if expected_s > left_s:
            raise WaitTooLongError(
                f"The answer would come in about {expected_s * 1e3:.0f} ms, and {max(0.0, left_s) * 1e3:.0f} are left",
                f"{self.waiting} images wait and {self.running} are at work.",
                "Send the request again after the seconds that Retry-After names, or allow more time.",
                retry_after_s=max(1, ceil(rounds * self._mean_s)),
            )

    def _admit(self, job: Callable[[float], T], deadline_s: float | None, tenant: str) -> _Ticket[T]:
        loop = asyncio.get_running_loop()
        ticket = _Ticket(job, loop.create_future(), tenant, monotonic(), deadline_s)
        self._waiting.append(tenant, ticket)
        self._idle.clear()
        self._dispatch()
        if deadline_s is not None and not ticket.answer.done():
            ticket.alarm = loop.call_at(deadline_s, self._expire, ticket)
        return ticket

    def _dispatch(self) -> None:
        """Give streams what they do next, to those whose turn it is."""
        while self._waiting and len(self._in_hand) < 2 * self.streams:
            ticket = self._waiting.popleft()
            ticket.queued = False
            if not ticket.answer.done():
                self._in_hand.add(ticket)
                ticket.piece = self._threads.submit(ticket.compute, partial(self._finish, ticket))
        if not self._waiting and not self._in_hand:
            self._idle.set()

    def _finish(self, ticket: _Ticket[Any], result: object | None, failure: BaseException | None) -> None:
        self._in_hand.discard(ticket)
        if ticket.begun_s is not None:
            taken_s = ticket.ended_s - ticket.begun_s
            self._mean_s += (taken_s - self._mean_s) * (SMOOTHING if self._mean_s else 1.0)
        _tell(ticket.answer, result, failure)
        self._dispatch()

    def _expire(self, ticket: _Ticket[Any]) -> None:
        if ticket.begun_s is None and not ticket.answer.done():
            ticket.answer.set_exception(_deadline_passed())

    def _leave(self, ticket: _Ticket[Any]) -> None:
        """Free the place of a job that was answered, dropped or given up, so that its image is not held any longer."""
        ticket.answer.cancel()
        if ticket.alarm is not None:
            ticket.alarm.cancel()
        if ticket.queued:
            ticket.queued = False
            self._waiting.remove(ticket.tenant, ticket)
            self._dispatch()
        elif ticket.begun_s is None and ticket.piece is not None and self._threads.withdraw(ticket.piece):
            self._in_hand.discard(ticket)
            self._dispatch()


def _tell(answer: asyncio.Future[Any], result: object | None, failure: BaseException | None) -> None:
    if answer.done():
        return
    if failure is None:
        answer.set_result(result)
    else:
        answer.set_exception(failure)


def _deadline_passed() -> DeadlinePassedError:
    return DeadlinePassedError(
        "The deadline passed while the image waited for a stream",
        "Nothing was computed for it.",
        "Allow more time in X-Request-Deadline-Ms, or send fewer requests at once.",
    )
