"""The supervisor keeps programs running, and a new one takes over what an old one left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from infra.cluster.program import ROOT, Process, Program, Records
from infra.cluster.supervisor import RECORD, read_programs, write_programs

START = "import sys; from pathlib import Path; from infra.cluster.supervisor import Supervisor; "
RUN = START + "Supervisor(Path(sys.argv[1])).run()"
LIMIT_S = 60.0
SLEEPER = Program("sleeper", ["sleep", "3600"])


def eventually(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < deadline, "it does not come true"
        time.sleep(0.02)


class Care:
    """A supervisor as a process of its own, which may be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.records = Records(folder / "processes")

    def start(self) -> None:
        command = [sys.executable, "-c", RUN, str(self.folder)]
        self.process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
        eventually(lambda: (found := self.records.find(RECORD)) and found.pid == self.process.pid)

    def kill(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(LIMIT_S)

    def running(self, name: str = "sleeper") -> Process:
        eventually(lambda: self.records.find(name))
        found = self.records.find(name)
        assert found
        return found


@pytest.fixture
def care(tmp_path: Path) -> Iterator[Care]:
    write_programs(tmp_path, [SLEEPER])
    care = Care(tmp_path)
    care.start()
    yield care
    care.kill(signal.SIGKILL)
    for path in care.records.folder.glob("*.json"):
        if left := care.records.find(path.stem):
            left.end(0)


def test_a_program_that_is_killed_is_started_again(care: Care):
    first = care.running()
    first.signal(signal.SIGKILL)
    eventually(lambda: care.records.find("sleeper") not in (None, first))


def test_the_next_supervisor_takes_over_what_a_killed_one_left_running(care: Care):
    first = care.running()
    care.kill(signal.SIGKILL)
    write_programs(care.folder, [SLEEPER, Program("second", ["sleep", "3600"])])
    care.start()
    care.running("second")
    assert care.running() == first
    first.signal(signal.SIGKILL)
    eventually(lambda: care.records.find("sleeper") not in (None, first))


def test_asked_to_end_it_leaves_its_programs_running(care: Care):
    first = care.running()
    assert care.kill(signal.SIGTERM) == 0
    assert first.alive
    care.start()


def test_a_program_that_is_no_longer_listed_is_ended(care: Care):
    first = care.running()
    write_programs(care.folder, [])
    care.process.send_signal(signal.SIGHUP)
    eventually(lambda: not first.alive)
    assert care.records.find("sleeper") is None


def test_a_program_whose_command_changes_is_started_again(care: Care):
    first = care.running()
    write_programs(care.folder, [Program("sleeper", ["sleep", "1800"])])
    care.process.send_signal(signal.SIGHUP)
    eventually(lambda: not first.alive)
    second = care.running()
    eventually(lambda: "1800" in Path(f"/proc/{second.pid}/cmdline").read_text())


def test_what_a_program_says_is_in_its_log(care: Care):
    write_programs(
        care.folder, [SLEEPER, Program("talker", ["sh", "-c", 'echo "$WORD"; sleep 3600'], {"WORD": "hello"})]
    )
    care.process.send_signal(signal.SIGHUP)
    log = care.folder / "logs/talker.log"
    eventually(lambda: log.is_file() and log.read_text() == "hello\n")


def test_where_nothing_was_said_yet_nothing_has_to_run(tmp_path: Path):
    assert read_programs(tmp_path) == []


def test_a_process_is_known_by_its_start_too():
    this = Process.of(os.getpid())
    assert this
    assert this.alive
    assert not Process(this.pid, this.started + 1).alive
