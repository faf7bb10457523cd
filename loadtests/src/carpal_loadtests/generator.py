"""Runs the load in a process of its own: Locust patches its process for gevent, and nothing else may share its core."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from carpal_loadtests.errors import GeneratorError
from carpal_loadtests.job import Job, Plan, Progress, Summary
from carpal_loadtests.rows import Row, read_rows

# The driver stops within a report's time of its stdin's end.
STOP_S = 5.0


@dataclass(frozen=True)
class Measurement:
    """What one run left behind."""

    rows: list[Row]
    summary: Summary | None
    """None where the load process ended without a last word."""
    interrupted: bool
    """Whether a person stopped it."""


def generate(plan: Plan, folder: Path, on_progress: Callable[[Progress], None]) -> Measurement:
    """Send a plan and wait for its end; ctrl-C stops the sending and keeps what was measured.

    Args:
        plan: what is sent.
        folder: an empty folder for the payloads, the rows as they come and the log of the load process.
        on_progress: called about twice a second.

    Raises:
        GeneratorError: the load process failed before it measured anything.
    """
    job = _write_job(plan, folder)
    command = [sys.executable, "-m", "gevent.monkey", "--module", "carpal_loadtests.driver", str(job)]
    log = folder / "driver.log"
    with log.open("wb") as stderr:
        # Its own session: ctrl-C reaches the command only, which then ends the driver's stdin.
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, start_new_session=True
        )
        try:
            summary, interrupted = _follow(process, on_progress)
        finally:
            _end(process)
    rows_file = folder / "rows.csv"
    rows = read_rows(rows_file) if rows_file.is_file() else []
    if not rows and not interrupted:
        last = log.read_text(errors="replace").strip().splitlines()[-1:]
        raise GeneratorError(
            f"the load process ended with {process.returncode} and measured nothing",
            " ".join(last) or "It left no message.",
            "Run it again; if it happens again, report it with the scenario.",
        )
    return Measurement(rows, summary, interrupted)


def _write_job(plan: Plan, folder: Path) -> Path:
    payloads = []
    for number, payload in enumerate(plan.payloads):
        file = folder / f"payload-{number:04d}"
        file.write_bytes(payload.body)
        payloads.append(file)
    job = Job(
        scenario=plan.scenario,
        target=plan.target,
        model=plan.model,
        digest=plan.digest,
        payloads=tuple(payloads),
        rows=folder / "rows.csv",
    )
    path = folder / "job.json"
    path.write_bytes(job.to_json())
    return path


def _follow(process: subprocess.Popen[bytes], on_progress: Callable[[Progress], None]) -> tuple[Summary | None, bool]:
    """Read the driver's lines to their end; gives its summary, and whether a person interrupted."""
    assert process.stdin is not None
    assert process.stdout is not None
    interrupted = False
    summary: Summary | None = None
    while True:
        try:
            summary = _listen(process.stdout, on_progress) or summary
            return summary, interrupted
        except KeyboardInterrupt:
            if interrupted:  # twice: at once
                process.kill()
            interrupted = True
            process.stdin.close()


def _listen(lines: IO[bytes], on_progress: Callable[[Progress], None]) -> Summary | None:
    summary = None
    for line in lines:
        if b'"offered"' in line:
            on_progress(Progress.parse_json(line, source="the load process"))
        else:
            summary = Summary.parse_json(line, source="the load process")
    return summary


def _end(process: subprocess.Popen[bytes]) -> None:
    """Leave no process behind, however the run ended."""
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(BrokenPipeError):
                stream.close()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
