"""The Locust user that keeps to the schedule: one greenlet a request, whatever the others are doing.

Importing this module imports Locust, which patches the standard library for gevent. Only a process whose whole
business is to send load may do that: ``driver`` (run by ``carpal load run``) and ``locustfile`` (run by ``locust``).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

import gevent
from gevent.event import Event
from gevent.pool import Group
from geventhttpclient.response import HTTPParseError
from locust import User, task
from locust.exception import StopUser

from carpal.records.record import Model
from carpal_loadtests.answers import FAILED, Answer, Outcome, judge
from carpal_loadtests.connections import Connections, Reply
from carpal_loadtests.job import Call, Plan
from carpal_loadtests.rows import Row

REQUEST_TYPE = "POST"
# Second 0 lies this far ahead, so that the first request is no later than the rest.
HEAD_START_S = 0.1


class Sender:
    """Sends the calls of one worker at their times and hands a row of each to ``record``.

    Args:
        plan: what is sent.
        record: called once a request that came due, when its fate is known.
        fire: Locust's ``events.request.fire``.
    """

    def __init__(self, plan: Plan, record: Callable[[Row], None], fire: Callable[..., None]) -> None:
        self._plan = plan
        self._record = record
        self._fire = fire
        self._connections = Connections(plan.target, plan.scenario.timeout_s)
        self._group = Group()
        self.over = Event()
        """Set when the run has ended, in whatever way."""
        self.finished = False
        """Whether everything was sent and has ended."""
        self.offered = 0
        self.answerers: Counter[Model] = Counter()
        self.started_unix_s: float | None = None
        """When second 0 was, or will be; None before the run."""
        self._zero = float("inf")
        self._cpu_s = 0.0
        self._on_the_way: dict[int, tuple[Call, float | None]] = {}

    def run(self, worker: int = 0, workers: int = 1) -> None:
        """Send everything and wait for the last answer; killing the greenlet leaves what is on the way as open rows."""
        calls = list(self._plan.calls(worker, workers))
        self.started_unix_s = time.time() + HEAD_START_S
        self._zero = time.perf_counter() + HEAD_START_S
        self._cpu_s = time.process_time()
        try:
            for call in calls:
                while (ahead := call.intended_s - self._now()) > 0:  # a timer may wake a little early
                    gevent.sleep(ahead)
                self._offer(call)
            self._group.join()
            self.finished = True
        finally:
            self._group.kill()
            self._connections.close()
            for call, start_s in list(self._on_the_way.values()):
                self._close(Row(call.index, call.intended_s, start_s, None, 0, "", Outcome.OPEN, 0))
            self.over.set()

    def elapsed_s(self) -> float:
        """Seconds since second 0 of the schedule."""
        return max(self._now(), 0.0)

    def cpu_share(self) -> float:
        """CPU time of this process since the sending began, share of one core."""
        return (time.process_time() - self._cpu_s) / (self._now() + HEAD_START_S) if self.started_unix_s else 0.0

    def _now(self) -> float:
        return time.perf_counter() - self._zero

    def _offer(self, call: Call) -> None:
        self.offered += 1
        if len(self._group) >= self._plan.scenario.max_in_flight:
            self._close(Row(call.index, call.intended_s, None, None, 0, "", Outcome.DROPPED, 0))
        else:
            self._on_the_way[call.index] = (call, None)
            self._group.spawn(self._send, call)

    def _send(self, call: Call) -> None:
        start_s = self._now()
        self._on_the_way[call.index] = (call, start_s)
        try:
            with gevent.Timeout(self._plan.scenario.timeout_s):
                reply = self._connections.post(
                    self._plan.path,
                    call.payload.body,
                    {
                        "Content-Type": call.payload.media_type,
                        "X-Request-Id": f"{self._plan.scenario.name}-{call.index}",
                    },
                )
        except (gevent.Timeout, TimeoutError):
            self._close(
                Row(call.index, call.intended_s, start_s, self._now(), 0, "transport.timeout", Outcome.TIMEOUT, 0)
            )
        except (OSError, HTTPParseError) as failure:
            code = f"transport.{type(failure).__name__}"
            self._close(Row(call.index, call.intended_s, start_s, self._now(), 0, code, Outcome.TRANSPORT, 0))
        else:
            end_s = self._now()  # before the answer is judged, which is the generator's own time
            self._answered(call, start_s, end_s, reply)

    def _answered(self, call: Call, start_s: float, end_s: float, reply: Reply) -> None:
        answer: Answer = judge(reply.status, reply.headers, reply.body, self._plan.expected)
        if answer.model is not None:
            self.answerers[answer.model] += 1
        self._close(
            Row(call.index, call.intended_s, start_s, end_s, reply.status, answer.code, answer.outcome, len(reply.body))
        )

    def _close(self, row: Row) -> None:
        """Record the row and tell Locust, with the latency from the INTENDED start: its statistics are then free of
        coordinated omission too. A refusal in good order is an exception to Locust, which knows two outcomes."""
        self._on_the_way.pop(row.index, None)
        self._record(row)
        if row.outcome is Outcome.OPEN:
            return
        bad = row.outcome in FAILED or row.outcome in (Outcome.SHED, Outcome.DROPPED)
        self._fire(
            request_type=REQUEST_TYPE,
            name=self._plan.path,
            response_time=None if row.latency_s is None else row.latency_s * 1000,
            response_length=row.bytes,
            exception=f"{row.outcome.value} {row.status} {row.code}".strip() if bad else None,
            context={"index": row.index, "start_s": row.start_s},
        )


class OpenUser(User):
    """One sender as a Locust user. There is one a process: the schedule, not the number of users, sets the load."""

    abstract = True

    def sender(self) -> Sender:
        """The sender to run; a subclass says which."""
        raise NotImplementedError

    def share(self) -> tuple[int, int]:
        """Which worker this is, and of how many."""
        return 0, 1

    @task
    def send(self) -> None:
        """Run the whole schedule once."""
        self.sender().run(*self.share())
        self.sent()
        raise StopUser

    def sent(self) -> None:
        """Called when the whole schedule was sent and has ended."""
