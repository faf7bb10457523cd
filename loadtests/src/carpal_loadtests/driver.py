"""A process that sends load: ``python -m gevent.monkey --module carpal_loadtests.driver JOB.json WORKER``.

It speaks JSON lines on stdout: ``Ready`` when everything is loaded, ``Progress`` about twice a second, one ``Summary``
last. It waits for a line on stdin with the time of second 0. It stops, and still writes rows and summary, when its
stdin ends: so it never outlives the command that started it.
"""

from __future__ import annotations

import gc
import os
import resource
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

import gevent
from gevent.socket import wait_read
from locust.env import Environment

from carpal.document import Document
from carpal_loadtests.answers import Outcome
from carpal_loadtests.job import Job, Progress, Ready, Summary, read_plan
from carpal_loadtests.plan import Plan
from carpal_loadtests.rows import Row, RowWriter
from carpal_loadtests.users import OpenUser, Sender, summarise

REPORT_S = 0.5
# Rows that are written in one go: less than a millisecond's worth.
AT_ONCE = 64


def main(job_file: Path, worker: int) -> None:
    """Run one worker's part of a job and say how it went."""
    job = Job.parse_json(job_file.read_bytes(), source=job_file)
    plan = read_plan(job)
    # Each request on the way has a socket: the soft limit of most machines is 1024 files, the hard one far higher.
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    stream = (job.rows / f"rows-{worker:03d}.csv").open("w", newline="")
    say(drive(plan, stream, worker, job.workers))
    with suppress(OSError):  # a full disk was said in the summary
        stream.close()


def drive(plan: Plan, stream: IO[str], worker: int, workers: int) -> Summary:
    """Run a worker's part of a plan under Locust's runner, writing rows to ``stream`` as requests end."""
    log = _Log(stream)
    environment = Environment(stop_timeout=0, catch_exceptions=False)
    sender = Sender(plan, log.record, environment.events.request.fire)

    class Scheduled(OpenUser):
        fixed_count = 1

        def sender(self) -> Sender:
            return sender

        def share(self) -> tuple[int, int, float | None]:
            return worker, workers, zero_unix_s

    environment.user_classes = [Scheduled]
    runner = environment.create_local_runner()
    # What is alive now lives to the end: collections during the run then look only at what the run makes.
    gc.collect()
    gc.freeze()
    say(Ready())
    told = _line_of_stdin()
    stopped_by: str | None = None
    if told:
        zero_unix_s = float(told)
        stopped = gevent.spawn(_stdin_ended)
        runner.start(1, spawn_rate=1)
        while stopped_by is None and not gevent.wait([sender.over, stopped], timeout=REPORT_S, count=1):
            stopped_by = log.flush(sender)
    summary = summarise(sender)
    runner.quit()
    stopped_by = log.flush(sender) or stopped_by
    return summary.model_copy(update={"stopped_by": stopped_by, "finished": summary.finished and stopped_by is None})


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

    def flush(self, sender: Sender) -> str | None:
        """Write what has ended; gives why it could not, the disk being full say."""
        at_s, in_flight = sender.elapsed_s(), sender.in_flight
        rows, self._pending = self._pending, []
        try:
            for begin in range(0, len(rows), AT_ONCE):
                self._writer.write(rows[begin : begin + AT_ONCE])
                gevent.sleep(0)  # a request that is due goes first
            self._stream.flush()
        except OSError as failure:
            return f"rows could not be written: {failure.strerror}"
        say(Progress(offered=sender.offered, ended=self._ended, at_s=at_s, in_flight=in_flight))
        return None


def say(line: Document) -> None:
    """One line of the protocol."""
    sys.stdout.write(line.to_json().decode() + "\n")
    sys.stdout.flush()


def _line_of_stdin() -> bytes:
    """The first line; empty where stdin ends before it."""
    line = b""
    while not line.endswith(b"\n"):
        wait_read(0)
        read = os.read(0, 64)
        if not read:
            return b""
        line += read
    return line


def _stdin_ended() -> None:
    """Return when the command that started this process has gone or wants it to stop."""
    while True:
        wait_read(0)
        if not os.read(0, 4096):
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
