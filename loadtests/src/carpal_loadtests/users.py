"""The Locust user that keeps to the schedule: one greenlet a request, whatever the others are doing.

Importing this module imports Locust, which patches the standard library for gevent. Only a process whose whole
business is to send load may do that: ``driver`` (run by ``carpal load run``) and ``locustfile`` (run by ``locust``).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import gevent
from gevent.event import Event
from gevent.pool import Group
from locust import User, task
from locust.exception import StopUser

from carpal.records.record import Model
from carpal_loadtests.alarm import Alarm, timerfd
from carpal_loadtests.answers import FAILED, Answer, Judge, Outcome
from carpal_loadtests.connections import Connections, NoAnswerError, Transport
from carpal_loadtests.job import Answerer, Summary
from carpal_loadtests.plan import Call, Plan
from carpal_loadtests.pulse import Pulse
from carpal_loadtests.rows import Row
from carpal_loadtests.wire import Reply, encode

# Second 0 lies this far ahead where nobody says when it is, so that the first request is no later than the rest.
HEAD_START_S = 0.1


@dataclass(frozen=True)
class _Attempt:
    """One attempt: what it is worth, and the reply where there was one."""

    answer: Answer
    end_s: float
    """When the last byte was there or the failure known: before the answer was judged, the generator's own time."""
    reply: Reply | None = None


class Sender:
    """Sends the calls of one worker at their times and hands a row of each to ``record``.

    Args:
        plan: what is sent.
        record: called once a request that came due, when its fate is known.
        fire: Locust's ``events.request.fire``.
    """

    def __init__(self, plan: Plan, record: Callable[[Row], None], fire: Callable[..., None]) -> None:
        scenario = plan.scenario
        self._plan = plan
        self._record = record
        self._fire = fire
        self._judge = Judge(scenario.protocol, plan.expected, plan.findings)
        self._requests = [encode(scenario.protocol, payload, plan.model) for payload in plan.payloads]
        self._transport = _transport(plan)
        self._group = Group()
        self.over = Event()
        """Set when the run has ended, in whatever way."""
        self.finished = False
        """Whether everything was sent and has ended."""
        self.offered = 0
        self.retries = 0
        self.in_flight = 0
        """Requests on the way, counted apart from the rows; what is open at the end stays counted."""
        self.answerers: Counter[Model] = Counter()
        self.started_unix_s: float | None = None
        """When second 0 was, or will be; None before the run."""
        self._worker = 0
        self._zero = float("inf")
        self._cpu_s = 0.0
        self._cpu_from = 0.0
        self._on_the_way: dict[int, tuple[Call, float | None]] = {}
        self._pulse = Pulse(0.0)

    def run(self, worker: int = 0, workers: int = 1, zero_unix_s: float | None = None) -> None:
        """Send everything and wait for the last answer; killing the greenlet leaves what is on the way as open rows.

        Args:
            worker: which part of the schedule is sent.
            workers: into how many it is dealt.
            zero_unix_s: second 0, the same for all workers; None for at once.
        """
        self._worker = worker
        calls = list(self._plan.calls(worker, workers))
        self.started_unix_s = time.time() + HEAD_START_S if zero_unix_s is None else zero_unix_s
        self._zero = time.perf_counter() + self.started_unix_s - time.time()
        self._cpu_s, self._cpu_from = time.process_time(), time.perf_counter()
        alarm = Alarm(timerfd())
        heart = gevent.spawn(self._beat)
        try:
            for call in calls:
                alarm.wait_until(self._zero + call.intended_s)
                self._offer(call)
            self._group.join()
            self.finished = True
        finally:
            heart.kill()
            alarm.close()
            self._group.kill()
            self._transport.close()
            for call, start_s in list(self._on_the_way.values()):
                self._close(call, start_s, None, Outcome.OPEN)
            self.over.set()

    def elapsed_s(self) -> float:
        """Seconds since second 0 of the schedule."""
        return max(self._now(), 0.0)

    def cpu_share(self) -> float:
        """CPU time of this process since the sending began, share of one core."""
        if self.started_unix_s is None:
            return 0.0
        spent_s: float = time.process_time() - self._cpu_s
        return spent_s / (time.perf_counter() - self._cpu_from)

    @property
    def pause_p99_ms(self) -> float:
        """How late this process was at moments that no request sets, 99th percentile over the time, in ms."""
        return self._pulse.p99_ms

    def _beat(self) -> None:
        alarm = Alarm(timerfd())
        try:
            while True:
                alarm.wait_until(self._zero + self._pulse.due_s)
                self._pulse.beat(self._now())
        finally:
            alarm.close()

    def _now(self) -> float:
        return time.perf_counter() - self._zero

    def _offer(self, call: Call) -> None:
        self.offered += 1
        if len(self._group) >= self._plan.scenario.max_in_flight:
            self._close(call, None, None, Outcome.DROPPED, attempts=0)
        else:
            self._on_the_way[call.index] = (call, None)
            self._group.spawn(self._send, call)

    def _send(self, call: Call) -> None:
        start_s = self._now()
        self._on_the_way[call.index] = (call, start_s)
        self.in_flight += 1
        attempts = 1
        last = self._attempt(call)
        while self._may_retry(last.answer, attempts):
            self.retries += 1  # before the pause, in which others ask for the same budget
            gevent.sleep(self._pause_s(last.reply, attempts))
            attempts += 1
            last = self._attempt(call)
        answer, status, size = last.answer, 0, 0
        if last.reply is not None:
            status, size = last.reply.status, len(last.reply.body)
        self.in_flight -= 1
        self._close(call, start_s, last.end_s, answer.outcome, answer.code, status=status, size=size, attempts=attempts)

    def _attempt(self, call: Call) -> _Attempt:
        try:
            with gevent.Timeout(self._plan.scenario.timeout_s):
                reply = self._transport.send(
                    self._requests[call.payload], {"X-Request-Id": f"{self._plan.scenario.name}-{call.index}"}
                )
        except (gevent.Timeout, TimeoutError):
            return _Attempt(Answer(Outcome.TIMEOUT, "transport.timeout"), self._now())
        except NoAnswerError as failure:
            return _Attempt(Answer(Outcome.TRANSPORT, f"transport.{failure}"), self._now())
        end_s = self._now()
        answer = self._judge.judge(reply, self._plan.payloads[call.payload])
        if answer.model is not None:
            self.answerers[answer.model] += 1
        return _Attempt(answer, end_s, reply)

    def _may_retry(self, answer: Answer, attempts: int) -> bool:
        retries = self._plan.scenario.retries
        return (
            retries is not None
            and answer.outcome in (Outcome.SHED, Outcome.TRANSPORT)
            and attempts <= retries.most
            and self.retries < retries.budget_share * self.offered
        )

    def _pause_s(self, reply: Reply | None, attempts: int) -> float:
        retries = self._plan.scenario.retries
        assert retries is not None
        own_s = retries.backoff_ms / 1000 * 2 ** (attempts - 1)
        told = reply.headers.get("retry-after", "") if reply else ""
        return max(float(own_s), float(told) if told.isdecimal() else 0.0)

    def _close(
        self,
        call: Call,
        start_s: float | None,
        end_s: float | None,
        outcome: Outcome,
        code: str = "",
        *,
        status: int = 0,
        size: int = 0,
        attempts: int = 1,
    ) -> None:
        """Record the row and tell Locust, with the latency from the INTENDED start: its statistics are then free of
        coordinated omission too. A refusal in good order is an exception to Locust, which knows two outcomes."""
        self._on_the_way.pop(call.index, None)
        row = Row(
            call.index,
            call.intended_s,
            start_s,
            end_s,
            status,
            code,
            outcome,
            size,
            call.payload,
            attempts,
            self._worker,
        )
        self._record(row)
        if outcome is Outcome.OPEN:
            return
        bad = outcome in FAILED or outcome in (Outcome.SHED, Outcome.DROPPED)
        self._fire(
            request_type="gRPC" if self._plan.scenario.protocol == "grpc" else "POST",
            name=self._requests[call.payload].path,
            response_time=None if row.latency_s is None else row.latency_s * 1000,
            response_length=size,
            exception=RuntimeError(f"{outcome.value} {code}".strip()) if bad else None,
            context={},
        )


def summarise(sender: Sender) -> Summary:
    """How a sender's run went, or has gone until now."""
    started = sender.started_unix_s
    return Summary(
        started=None if started is None else datetime.fromtimestamp(started, UTC).isoformat(timespec="milliseconds"),
        elapsed_s=sender.elapsed_s(),
        cpu_share=sender.cpu_share(),
        pause_p99_ms=sender.pause_p99_ms,
        retries=sender.retries,
        answerers=tuple(Answerer(model=model, answers=count) for model, count in sender.answerers.most_common()),
        finished=sender.finished,
    )


def _transport(plan: Plan) -> Transport:
    if plan.scenario.protocol == "grpc":
        from carpal_loadtests.channels import Channels

        return Channels(plan.target, plan.scenario.timeout_s)
    return Connections(plan.target)


class OpenUser(User):
    """One sender as a Locust user. There is one a process: the schedule, not the number of users, sets the load."""

    abstract = True

    def sender(self) -> Sender:
        """The sender to run; a subclass says which."""
        raise NotImplementedError

    def share(self) -> tuple[int, int, float | None]:
        """Which worker this is, of how many, and when second 0 is; None for at once."""
        return 0, 1, None

    @task
    def send(self) -> None:
        """Run the whole schedule once."""
        share = self.share()
        try:
            self.sender().run(*share)
        finally:
            self.sent()
        raise StopUser

    def sent(self) -> None:
        """Called when the run is over, in whatever way."""
