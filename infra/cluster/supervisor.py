"""Keeps the programs of a cluster running: `python -m infra.cluster.supervisor FOLDER GROUP`.

It reads ``programs.json`` at its start and at every SIGHUP, starts what is missing, starts again what ends, and lets
go of what is no longer listed. It may be killed at any time: the programs go on, and the next supervisor takes them
over by the records of the one before.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from infra.cluster import cgroups
from infra.cluster.instance import written
from infra.cluster.program import Process, Program, Records

LIST = "programs.json"
RECORD = "supervisor"
SHORTEST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
HEALTHY_S = 30.0
"""A program that ran this long is started again after the shortest pause; else each pause is twice the one before."""
END_GRACE_S = 5.0


def write_programs(folder: Path, programs: Sequence[Program]) -> None:
    """Say what has to run from the next SIGHUP on."""
    written(folder / LIST, json.dumps([asdict(program) for program in programs], indent=2))


def read_programs(folder: Path) -> list[Program]:
    """What has to run; nothing where nothing was said yet."""
    path = folder / LIST
    if not path.is_file():
        return []
    return [Program(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))]


@dataclass
class Charge:
    """One program in the supervisor's care."""

    program: Program
    process: Process | None = None
    watched: int | None = None
    started_at: float = 0.0
    not_before: float = 0.0
    pause_s: float = SHORTEST_PAUSE_S


@dataclass
class Supervisor:
    """The loop. Collaborators: the cluster's folder, and the records in it."""

    folder: Path
    charges: dict[str, Charge] = field(default_factory=dict)
    reread: bool = True
    stopping: bool = False

    @property
    def records(self) -> Records:
        """Which process runs which program."""
        return Records(self.folder / "processes")

    def run(self) -> None:
        """Care for the programs until SIGTERM, which leaves them running."""
        waker, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGHUP, lambda *_: setattr(self, "reread", True))
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "stopping", True))
        signal.signal(signal.SIGCHLD, lambda *_: None)
        this = Process.of(os.getpid())
        assert this
        # Whoever finds this record may send signals, which from here on are understood.
        self.records.store(RECORD, this)
        while not self.stopping:
            if self.reread:
                self.reread = False
                self._take_over()
            self._restart()
            self._wait(waker)
            self._reap()

    def _take_over(self) -> None:
        """Bring the charges in line with the list, adopting what runs already."""
        programs = {program.name: program for program in read_programs(self.folder)}
        for name in [name for name in self.charges if name not in programs]:
            self._release(self.charges.pop(name))
        for name, program in programs.items():
            charge = self.charges.get(name)
            if charge is None:
                self._watch(self.charges.setdefault(name, Charge(program)), self.records.find(name))
            elif charge.program != program:
                charge.program = program
                if charge.process:
                    charge.process.end(END_GRACE_S)

    def _restart(self) -> None:
        now = time.monotonic()
        for charge in self.charges.values():
            if charge.process is None and charge.not_before <= now:
                self._start(charge)

    def _start(self, charge: Charge) -> None:
        program = charge.program
        log = self.folder / "logs" / f"{program.name}.log"
        log.parent.mkdir(exist_ok=True)
        with log.open("ab") as stream:
            child = subprocess.Popen(
                list(program.command),
                env={**os.environ, **program.environment},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
        charge.started_at = time.monotonic()
        process = Process.of(child.pid)
        if process:
            self.records.store(program.name, process)
        self._watch(charge, process)

    def _watch(self, charge: Charge, process: Process | None) -> None:
        """Have the kernel tell of the end of a process, a child of this one or not."""
        charge.process, charge.watched = process, None
        if process:
            try:
                charge.watched = os.pidfd_open(process.pid)
            except ProcessLookupError:
                charge.process = None
        if charge.process is None:
            charge.not_before = time.monotonic() + charge.pause_s if charge.started_at else 0.0

    def _wait(self, waker: int) -> None:
        """Until something ends, a signal comes or a pause is over; notes what has ended."""
        poll = select.poll()
        poll.register(waker, select.POLLIN)
        watched = {charge.watched: charge for charge in self.charges.values() if charge.watched is not None}
        for descriptor in watched:
            poll.register(descriptor, select.POLLIN)
        due = [charge.not_before for charge in self.charges.values() if charge.process is None]
        timeout_ms = max(0.0, min(due) - time.monotonic()) * 1000 + 1 if due else None
        for descriptor, _ in poll.poll(timeout_ms):
            if descriptor == waker:
                os.read(waker, 4096)
            else:
                self._ended(watched[descriptor])

    def _ended(self, charge: Charge) -> None:
        assert charge.watched is not None
        os.close(charge.watched)
        now = time.monotonic()
        lasted = now - charge.started_at >= HEALTHY_S
        charge.pause_s = SHORTEST_PAUSE_S if lasted else min(2 * charge.pause_s, LONGEST_PAUSE_S)
        charge.process, charge.watched, charge.not_before = None, None, now + charge.pause_s
        sys.stderr.write(f"{charge.program.name} ended; it is started again in {charge.pause_s:.1f} s\n")
        sys.stderr.flush()

    def _release(self, charge: Charge) -> None:
        if charge.process:
            charge.process.end(END_GRACE_S)
        if charge.watched is not None:
            os.close(charge.watched)
        self.records.forget(charge.program.name)

    def _reap(self) -> None:
        """Collect the exit codes of children, so that none stays a zombie."""
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def main(arguments: Sequence[str]) -> int:
    """Run as a process of its own, in the cluster's control group, once a cluster."""
    folder, group = Path(arguments[0]), arguments[1]
    cgroups.join(group)
    Supervisor(folder).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
