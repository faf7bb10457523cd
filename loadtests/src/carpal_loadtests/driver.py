"""The process that sends the load: ``python -m gevent.monkey --module carpal_loadtests.driver JOB.json``.

It speaks JSON lines on stdout: ``Progress`` about twice a second, one ``Summary`` last. It stops, and still writes
rows and summary, when its stdin ends: so it never outlives the command that started it.
"""

from __future__ import annotations

import gc
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import gevent
from gevent.socket import wait_read
from locust.env import Environment

from carpal_loadtests.answers import Outcome
from carpal_loadtests.job import Answerer, Job, Plan, Progress, Summary
from carpal_loadtests.payloads import read
from carpal_loadtests.rows import Row, RowWriter
from carpal_loadtests.users import OpenUser, Sender

REPORT_S = 0.5


def main(job_file: Path) -> None:
    """Run one job and say how it went."""
    job = Job.parse_json(job_file.read_bytes(), source=job_file)
    plan = Plan(job.scenario, job.target, job.model, tuple(read(path) for path in job.payloads), job.digest)
    with job.rows.open("w", newline="") as stream:
        say(drive(plan, stream))


def drive(plan: Plan, stream: IO[str]) -> Summary:
    """Run a plan under Locust's runner, writing rows to ``stream`` as requests end."""
    log = _Log(stream)
    environment = Environment(stop_timeout=0, catch_exceptions=False)
    sender = Sender(plan, log.record, environment.events.request.fire)

    class Scheduled(OpenUser):
        fixed_count = 1

        def sender(self) -> Sender:
            return sender

    environment.user_classes = [Scheduled]
    runner = environment.create_local_runner()
    stopped = gevent.spawn(_stdin_ended)
    # What is alive now lives to the end: collections during the run then look only at what the run makes.
    gc.collect()
    gc.freeze()
    runner.start(1, spawn_rate=1)
    while not gevent.wait([sender.over, stopped], timeout=REPORT_S, count=1):
        log.flush(sender.offered)
    finished, elapsed_s, cpu_share = sender.finished, sender.elapsed_s(), sender.cpu_share()
    runner.quit()
    log.flush(sender.offered)
    return Summary(
        started=_utc(sender.started_unix_s),
        elapsed_s=elapsed_s,
        cpu_share=cpu_share,
        answerers=tuple(Answerer(model=model, answers=count) for model, count in sender.answerers.most_common()),
        finished=finished,
    )


class _Log:
    """Rows on their way to the file, and the count that the command shows."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._writer = RowWriter(stream)
        self._pending: list[Row] = []
        self._ended = 0

    def record(self, row: Row) -> None:
        self._ended += row.outcome is not Outcome.OPEN
        self._pending.append(row)

    def flush(self, offered: int) -> None:
        self._writer.write(self._pending)
        self._pending.clear()
        self._stream.flush()
        say(Progress(offered=offered, ended=self._ended))


def say(line: Progress | Summary) -> None:
    """One line of the protocol."""
    sys.stdout.write(line.to_json().decode() + "\n")
    sys.stdout.flush()


def _utc(unix_s: float | None) -> str | None:
    return None if unix_s is None else datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds")


def _stdin_ended() -> None:
    """Return when the command that started this process has gone or wants it to stop."""
    while True:
        wait_read(0)
        if not os.read(0, 4096):
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]))
