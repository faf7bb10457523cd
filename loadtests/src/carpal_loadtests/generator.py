"""Runs the load in processes of its own: Locust patches its process for gevent, and nothing else may share its core."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import orjson

from carpal_loadtests.conservation import OnTheWay
from carpal_loadtests.errors import GeneratorError, UnwritableError
from carpal_loadtests.job import Progress, Summary, together, write_job
from carpal_loadtests.plan import Plan
from carpal_loadtests.rows import Row, read_lines

# A load process stops within a report's time of its stdin's end.
STOP_S = 5.0
# From the word to go until second 0: every process has read it by then.
HEAD_START_S = 0.2


@dataclass(frozen=True)
class Measurement:
    """What one run left behind."""

    rows: list[Row]
    summary: Summary | None
    """None where a load process ended without a last word."""
    interrupted: bool
    """Whether a person stopped it."""
    seen: Sequence[OnTheWay] = ()
    """What the load processes counted on the way, twice a second."""
    zero_unix_s: float = 0.0
    """When second 0 was; 0 where it never came."""


def generate(plan: Plan, folder: Path, on_progress: Callable[[Progress], None], *, processes: int = 1) -> Measurement:
    """Send a plan and wait for its end; ctrl-C stops the sending and keeps what was measured.

    Args:
        plan: what is sent.
        folder: an empty folder for the payloads, the rows as they come and the logs of the load processes.
        on_progress: called about twice a second.
        processes: that share the schedule, each on a core of its own where there is one.

    Raises:
        GeneratorError: a load process failed before anything was measured.
        UnwritableError: the folder is full before anything was sent.
    """
    try:
        job = write_job(plan, folder, processes)
    except OSError as failure:
        raise UnwritableError(
            f"{folder} cannot be written: {failure.strerror}",
            "The load processes read what they send from there.",
            "Make room or give another folder with --out, and run again.",
        ) from failure
    workers = [_Worker(job, folder, number) for number in range(processes)]
    try:
        following = _Following(workers, on_progress)
        following.follow()
    finally:
        for worker in workers:
            worker.end()
    rows = read_lines(sorted(folder.glob("rows-*.csv")))
    if not rows and not following.interrupted:
        raise GeneratorError(
            f"the load process ended with {workers[0].process.returncode} and measured nothing",
            next((word for worker in workers if (word := worker.last_word())), "It left no message."),
            "Run it again; if it happens again, report it with the scenario.",
        )
    summaries = following.summaries
    whole = together(summaries) if len(summaries) == processes else None
    return Measurement(rows, whole, following.interrupted, following.seen, following.zero_unix_s)


class _Worker:
    """One load process."""

    def __init__(self, job: Path, folder: Path, number: int) -> None:
        command = [sys.executable, "-m", "gevent.monkey", "--module", "carpal_loadtests.driver", str(job), str(number)]
        self._log = folder / f"driver-{number:03d}.log"
        with self._log.open("wb") as stderr:
            # Its own session: ctrl-C reaches the command only, which then ends the driver's stdin.
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, start_new_session=True
            )

    def tell(self, zero_unix_s: float) -> None:
        """Say when second 0 is."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.write(f"{zero_unix_s}\n".encode())
            self.process.stdin.flush()

    def stop(self) -> None:
        """Let it stop, and write what it has."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()

    def end(self) -> None:
        """Leave no process behind, however the run ended."""
        self.stop()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def last_word(self) -> str:
        """The last line of its log."""
        return " ".join(self._log.read_text(errors="replace").strip().splitlines()[-1:])


class _Following:
    """Hears what the load processes say until all have ended."""

    def __init__(self, workers: Sequence[_Worker], on_progress: Callable[[Progress], None]) -> None:
        self._workers = workers
        self._on_progress = on_progress
        self._lines: queue.SimpleQueue[tuple[int, bytes]] = queue.SimpleQueue()
        self._progress = [Progress(offered=0, ended=0, at_s=0, in_flight=0)] * len(workers)
        self.summaries: list[Summary] = []
        """What each said last."""
        self.interrupted = False
        """Whether a person stopped the run."""
        self.seen: list[OnTheWay] = []
        self.zero_unix_s = 0.0
        self._silent = 0
        self._ready = 0

    def follow(self) -> None:
        """Listen until every process has ended."""
        for number in range(len(self._workers)):
            threading.Thread(target=self._listen, args=(number,), daemon=True).start()
        while self._silent < len(self._workers):
            try:
                self._hear(*self._lines.get())
            except KeyboardInterrupt:
                for worker in self._workers:
                    if self.interrupted:  # twice: at once
                        worker.process.kill()
                    worker.stop()
                self.interrupted = True

    def _listen(self, number: int) -> None:
        stdout = self._workers[number].process.stdout
        assert stdout is not None
        for line in stdout:
            self._lines.put((number, line))
        self._lines.put((number, b""))

    def _hear(self, number: int, line: bytes) -> None:
        if not line:
            self._silent += 1
            # Whoever ends without a last word ends the run of the others: their part alone is no measurement.
            if len(self.summaries) < self._silent:
                for worker in self._workers:
                    worker.stop()
            return
        kind = orjson.loads(line)["kind"]
        if kind == "ready":
            self._ready += 1
            # Who was stopped before is not told to go: its stdin is closed.
            if self._ready == len(self._workers) and not self.interrupted and not self._silent:
                self._go()
        elif kind == "progress":
            said = Progress.parse_json(line, source="a load process")
            self._progress[number] = said
            self.seen.append(OnTheWay(number, said.at_s, said.in_flight))
            self._on_progress(_added_up(self._progress))
        else:
            self.summaries.append(Summary.parse_json(line, source="a load process"))

    def _go(self) -> None:
        self.zero_unix_s = time.time() + HEAD_START_S
        for worker in self._workers:
            worker.tell(self.zero_unix_s)


def _added_up(progress: Sequence[Progress]) -> Progress:
    return Progress(
        offered=sum(one.offered for one in progress),
        ended=sum(one.ended for one in progress),
        at_s=max(one.at_s for one in progress),
        in_flight=sum(one.in_flight for one in progress),
    )
