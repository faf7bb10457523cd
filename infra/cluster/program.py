"""A program of a cluster as a process: what to start, whether it lives, how to end it."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from infra.cluster.instance import written

ROOT = Path(__file__).resolve().parent.parent.parent
TICK_S = 0.05


@dataclass(frozen=True)
class Program:
    """One program that the supervisor keeps running.

    Attributes:
        name: of its log and in `cluster status`.
        command: words to run, namespaces entered first where it needs that.
        environment: variables beside those of the supervisor.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


def python_program(name: str, module: str, *arguments: object) -> Program:
    """A module of this checkout as a program; entering a mount namespace loses the working directory."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return Program(name, command, {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"})


@dataclass(frozen=True)
class Process:
    """A process by its id and the time that it started, which no other process of that id ever has.

    Attributes:
        pid: process id.
        started: clock ticks from the machine's start to the process's, field 22 of /proc/PID/stat.
    """

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """The process that has this id now; none where there is none, or only its exit code is left."""
        try:
            # The name in parentheses may hold anything, so count from its end.
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] in "ZX" else cls(pid, int(fields[19]))

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return Process.of(self.pid) == self

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; nothing where it has ended."""
        if self.alive:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def end(self, grace_s: float) -> None:
        """Ask it to end, wait, and kill it where it does not."""
        self.signal(signal.SIGTERM)
        deadline = time.monotonic() + grace_s
        while self.alive:
            if time.monotonic() > deadline:
                self.signal(signal.SIGKILL)
            time.sleep(TICK_S)


@dataclass(frozen=True)
class Records:
    """Which process runs which program, in files, so that whoever comes next finds what is running."""

    folder: Path

    def store(self, name: str, process: Process) -> None:
        """Note that this process is the program's."""
        written(self.folder / f"{name}.json", json.dumps(asdict(process)))

    def find(self, name: str) -> Process | None:
        """The program's process, if it is alive."""
        try:
            process = Process(**json.loads((self.folder / f"{name}.json").read_text()))
        except FileNotFoundError:
            return None
        return process if process.alive else None

    def forget(self, name: str) -> None:
        """Drop what is noted of a program."""
        (self.folder / f"{name}.json").unlink(missing_ok=True)
