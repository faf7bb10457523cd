"""Commands as processes that cannot outlive the demo, however it ends."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

GUARD = Path(__file__).with_name("guard.py")
GRACE_S = 0.8
"""Between asking a process group to stop and ending it."""
TICK_S = 0.1


def shown(words: Sequence[str]) -> str:
    """A command as a reader would type it."""
    return shlex.join(words)


@contextmanager
def started(words: Sequence[str], log: Path, root: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A command in its own process group, its output in ``log``; the whole group is ended on the way out.

    Where the demo is killed outright (kill -9), its guard kills the group: see demo/guard.py.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as stream:
        process = subprocess.Popen(
            [sys.executable, str(GUARD), _place(words[0]), *words[1:]],
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )
        try:
            yield process
        finally:
            end(process)


def finished(process: subprocess.Popen[bytes], tick: Callable[[], None]) -> int:
    """Wait for the end, calling ``tick`` ten times a second; gives the exit code."""
    while True:
        try:
            return process.wait(TICK_S)
        except subprocess.TimeoutExpired:
            tick()


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask the process group to stop, then end what is left of it."""
    for number in (signal.SIGINT, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
    if process.stdin:
        process.stdin.close()


def tail(log: Path, lines: int = 12) -> str:
    """The last lines of a log; empty where there is none."""
    if not log.is_file():
        return ""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - 8192))
        return "\n".join(stream.read().decode(errors="replace").rstrip().splitlines()[-lines:])


def _place(name: str) -> str:
    """A command beside this interpreter, so that no activated environment is needed; else as PATH has it."""
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else name
