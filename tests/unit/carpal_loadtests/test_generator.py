"""The load process, against servers that write down what they saw.

Counts are exact. Times are compared with the servers' own record, and bounds that a busy machine could break are one
sided: a machine can make a request late, and it can make none early.
"""

from __future__ import annotations

import queue
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pytest

from carpal_loadtests import generator
from carpal_loadtests.answers import Outcome
from carpal_loadtests.errors import GeneratorError
from carpal_loadtests.generator import generate
from carpal_loadtests.job import Progress
from carpal_loadtests.plan import make_plan

ODD = {
    "garbage": [2, 5],
    "empty": [8],
    "other-model": [11],
    "shed": [14, 17, 20],
    "draining": [23],
    "bare-429": [26],
    "bad-request": [29],
    "broken": [32, 35],
    "cut": [38],
    "other-image": [41],
}


@pytest.fixture(scope="module")
def mixed(known: Callable[..., Any], scenario: Callable[..., Any], measure: Callable[..., Any]) -> Any:
    """Fifty requests at 50/s, of which fourteen get something else than a record."""
    server = known(service_ms=5, answers=ODD)
    plan, measurement = measure(scenario(), server)
    return plan, measurement, server.seen()


def test_every_request_of_the_plan_is_sent_once_and_has_one_row(mixed: Any) -> None:
    plan, measurement, seen = mixed
    assert sorted(seen.index) == list(range(50))
    assert [row.index for row in measurement.rows] == list(range(50))
    np.testing.assert_allclose([row.intended_s for row in measurement.rows], plan.schedule.times, atol=1e-6)


def test_each_kind_of_answer_is_counted_as_what_it_is(mixed: Any) -> None:
    _, measurement, _ = mixed
    rows = {row.index: row for row in measurement.rows}
    expected = {
        "garbage": (Outcome.WRONG, 200, "answer.not-a-record"),
        "empty": (Outcome.WRONG, 200, "answer.not-a-record"),
        "other-model": (Outcome.WRONG, 200, "answer.other-model"),
        "shed": (Outcome.SHED, 429, "service.full"),
        "draining": (Outcome.SHED, 503, "service.draining"),
        "bare-429": (Outcome.REJECTED, 429, "service.full"),
        "bad-request": (Outcome.REJECTED, 400, "request.invalid"),
        "broken": (Outcome.BROKEN, 500, "http.500"),
        "other-image": (Outcome.WRONG, 200, "answer.other-image"),
        "cut": (Outcome.TRANSPORT, 0, "transport.HTTPConnectionClosed"),
    }
    for kind, indices in ODD.items():
        for index in indices:
            row = rows.pop(index)
            assert (row.outcome, row.status, row.code) == expected[kind], kind
    assert Counter(row.outcome for row in rows.values()) == {Outcome.ANSWERED: 36}


def test_an_answer_takes_at_least_what_the_server_slept(mixed: Any) -> None:
    _, measurement, _ = mixed
    answered = [row.service_s for row in measurement.rows if row.outcome is Outcome.ANSWERED]
    assert min(answered) >= 0.005


def test_nothing_is_sent_early_and_the_rows_agree_with_the_servers_clock(mixed: Any) -> None:
    _, measurement, seen = mixed
    assert min(row.lag_s for row in measurement.rows) >= 0
    rows = measurement.rows
    # Second 0 on the server's clock: a request is seen after it was sent, so the least difference is the closest.
    delays = sorted(at_s - rows[index].start_s for index, at_s in zip(seen.index, seen.at_s, strict=True))
    delays = [delay - delays[0] for delay in delays]
    assert delays[len(delays) // 4] < 0.25


def test_constant_arrivals_are_constant_at_the_server(mixed: Any) -> None:
    _, measurement, seen = mixed
    lags = {row.index: row.lag_s for row in measurement.rows}
    # What the generator admits to have been late is taken off. What the machine adds on the way is never negative, so
    # the promptest of each ten shows the schedule; the sums of exponential gaps would wander by 0.1 s and more.
    at = np.array([at_s - lags[index] for index, at_s in sorted(zip(seen.index, seen.at_s, strict=True))])
    promptest = (at - np.arange(50) / 50).reshape(5, 10).min(axis=1)
    assert np.ptp(promptest) < 0.06


def test_the_payload_arrives_whole_and_with_its_media_type(mixed: Any) -> None:
    plan, _, seen = mixed
    assert set(zip(seen.bytes, seen.media_type, strict=True)) == {(len(plan.payloads[0].body), "image/png")}


def test_the_summary_says_who_answered_and_what_it_cost(mixed: Any) -> None:
    _, measurement, _ = mixed
    summary = measurement.summary
    assert summary.finished
    assert 0 < summary.cpu_share < 1.05
    assert summary.elapsed_s >= 0.98
    assert {(one.model.name, one.answers) for one in summary.answerers} == {("known", 37), ("another", 1)}


def test_a_stall_is_seen_whole_by_every_request_that_should_have_been_sent_in_it(
    known: Callable[..., Any], scenario: Callable[..., Any], measure: Callable[..., Any]
) -> None:
    server = known(stall_at=20, stall_s=1.0)
    _, measurement = measure(scenario(rate_per_s=40, duration_s=2), server)
    rows, order = measurement.rows, list(server.seen().index)
    assert {row.outcome for row in rows} == {Outcome.ANSWERED}
    # The server begins the stall after request 20 was sent, and answers nothing before it is over.
    over_s = rows[20].start_s + 1.0
    behind = [rows[index] for index in order[order.index(20) :]]
    stalled = [row for row in behind if row.intended_s < over_s]
    assert all(row.latency_s >= over_s - row.intended_s for row in stalled)
    # Each of the 40 that came due in that second waits; half of them for half a second and more.
    assert len(stalled) >= 38
    assert sum(row.latency_s >= 0.5 for row in rows) >= 18
    # An open model goes on sending while the server stands still: the same requests, but for what the machine was late,
    # waited for the server and not for one another. A closed one would show a single long service time.
    assert sum(row.service_s >= 0.4 for row in rows) >= 10


def test_what_hangs_ends_at_the_timeout_and_what_exceeds_the_requests_in_flight_is_dropped(
    known: Callable[..., Any], scenario: Callable[..., Any], measure: Callable[..., Any]
) -> None:
    server = known(answers={"hang": list(range(100))})
    slow = scenario(rate_per_s=100, duration_s=0.5, max_in_flight=10, timeout_s=4, slos={})
    _, measurement = measure(slow, server)
    outcomes = [row.outcome for row in measurement.rows]
    assert outcomes == [Outcome.TIMEOUT] * 10 + [Outcome.DROPPED] * 40
    assert sorted(server.seen().index) == list(range(10))
    assert all(row.start_s is None for row in measurement.rows[10:])
    assert all(row.service_s >= 4 and row.code == "transport.timeout" for row in measurement.rows[:10])


def test_a_target_that_went_away_is_a_failure_of_each_request(
    scenario: Callable[..., Any], dead_url: str, tmp_path: Path, image: Path
) -> None:
    plan = replace(make_plan(scenario(duration_s=0.2), image.parent), target=dead_url, model="known")
    measurement = generate(plan, tmp_path, lambda progress: None)
    assert [(row.outcome, row.status) for row in measurement.rows] == [(Outcome.TRANSPORT, 0)] * 10
    assert {row.code for row in measurement.rows} == {"transport.ConnectionRefusedError"}


def test_a_load_process_that_cannot_start_is_a_typed_error(
    scenario: Callable[..., Any], dead_url: str, tmp_path: Path, image: Path
) -> None:
    chosen = scenario().model_copy(update={"protocol": "smoke signals"})
    plan = replace(make_plan(chosen, image.parent), target=dead_url, model="known")
    with pytest.raises(GeneratorError, match="measured nothing") as failure:
        generate(plan, tmp_path, lambda progress: None)
    assert failure.value.why == "Correct the keys named above."  # the last line of the process


def test_processes_share_the_schedule_and_send_all_of_it_once(
    known: Callable[..., Any], scenario: Callable[..., Any], measure: Callable[..., Any]
) -> None:
    server = known(service_ms=5)
    plan, measurement = measure(scenario(kind="poisson", rate_per_s=60), server, processes=3)
    count = len(plan.schedule.times)
    assert sorted(server.seen().index) == list(range(count))
    assert [row.index for row in measurement.rows] == list(range(count))
    assert [row.worker for row in measurement.rows] == [index % 3 for index in range(count)]
    assert {row.outcome for row in measurement.rows} == {Outcome.ANSWERED}
    assert measurement.summary.finished
    assert {one.worker for one in measurement.seen} == {0, 1, 2}
    # They share second 0: what each sent first was due at its own time, and nothing was early.
    assert min(row.lag_s for row in measurement.rows) >= 0


def test_a_load_process_that_is_killed_ends_the_run_of_the_others_and_keeps_their_rows(
    known: Callable[..., Any], scenario: Callable[..., Any], tmp_path: Path, image: Path
) -> None:
    server = known()
    plan = replace(make_plan(scenario(rate_per_s=50, duration_s=600), image.parent), target=server.url, model="known")
    killed: list[int] = []

    def kill_one(progress: Progress) -> None:
        if progress.ended > 20 and not killed:
            (process,) = (
                one
                for one in psutil.Process().children(recursive=True)
                if one.cmdline()[-1] == "1" and str(tmp_path) in " ".join(one.cmdline())
            )
            killed.append(process.pid)
            process.kill()

    measurement = generate(plan, tmp_path, kill_one, processes=2)
    assert killed
    assert measurement.summary is None
    assert not measurement.interrupted
    assert {row.worker for row in measurement.rows} == {0, 1}
    assert len(measurement.rows) < 30_000


def test_who_is_stopped_before_everybody_is_ready_sends_nothing(
    known: Callable[..., Any], scenario: Callable[..., Any], measure: Callable[..., Any], monkeypatch: Any
) -> None:
    class StoppedAtOnce:
        """Ctrl-C comes while the load processes start; what they say afterwards is still heard."""

        def __init__(self) -> None:
            self._lines: queue.SimpleQueue[Any] = queue.SimpleQueue()
            self.put = self._lines.put
            self._stop = iter([True])

        def get(self) -> Any:
            if next(self._stop, False):
                raise KeyboardInterrupt
            return self._lines.get()

    monkeypatch.setattr(generator, "queue", SimpleNamespace(SimpleQueue=StoppedAtOnce))
    server = known()
    _, measurement = measure(scenario(rate_per_s=40), server, processes=2)
    assert measurement.interrupted
    assert measurement.rows == []
    assert server.seen().index == []


def test_a_shed_request_is_tried_again_within_its_budget(
    known: Callable[..., Any], scenario: Callable[..., Any], measure: Callable[..., Any]
) -> None:
    # Retry-After says 1 s; the requests after the first twenty are refused at every attempt.
    server = known(answers={"shed": list(range(20, 40))})
    retries = {"most": 1, "budget_share": 0.1, "backoff_ms": 1}
    _, measurement = measure(scenario(rate_per_s=40, retries=retries), server)
    again = [row for row in measurement.rows if row.attempts == 2]
    # A tenth of what was offered by then: three or four of forty.
    assert 2 <= len(again) <= 4
    assert measurement.summary.retries == len(again)
    assert all(row.outcome is Outcome.SHED for row in again)
    assert all(row.service_s >= 1.0 for row in again)
    assert len(server.seen().index) == 40 + len(again)


def test_importing_what_the_command_needs_patches_nothing() -> None:
    script = "import sys; from carpal_loadtests import cli, generator, outputs, report, result, target, trial\n"
    script += "assert not {'gevent', 'locust'} & set(sys.modules), 'patched'"
    subprocess.run([sys.executable, "-c", script], check=True)
