"""Folders that go with their processes."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from carpal_detector.errors import WorkerFailedError
from carpal_detector.scratch import reserve, scratch

HOLDER = """
import os, signal, sys
from carpal_detector.scratch import scratch
with scratch("mine-") as folder:
    child = os.fork()
    if not child:
        signal.pause()
    print(folder, child, flush=True)
    signal.pause()
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_it_is_there_and_then_it_is_not():
    with scratch("mine-") as folder:
        (folder / "file").touch()
    assert not folder.exists()


def test_what_a_killed_process_left_goes_once_the_last_of_its_forks_has_ended(place: Path):
    process = subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    left, fork = process.stdout.readline().split()
    process.kill()
    process.wait()
    with scratch("mine-"):
        assert Path(left).exists()
    os.kill(int(fork), signal.SIGKILL)
    assert process.stdout.read() == ""  # closed by the end of the fork
    with scratch("mine-") as own:
        assert list(place.iterdir()) == [own]


def test_what_others_live_in_and_what_is_no_folder_is_left_alone(place: Path):
    (place / "mine-file").touch()
    with scratch("mine-") as first, scratch("mine-") as second:
        assert first != second
        assert first.exists()
    assert list(place.iterdir()) == [place / "mine-file"]


def test_room_is_there_before_anything_is_written(place: Path):
    reserve(place, ["counter", "histogram"])
    files = sorted(place.iterdir())
    assert [path.name for path in files] == [f"counter_{os.getpid()}.db", f"histogram_{os.getpid()}.db"]
    assert all(path.stat().st_blocks * 512 >= 1 << 20 for path in files)


def test_no_room_is_said_in_words(place: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(WorkerFailedError, match="no room"):
        reserve(place, ["counter"])
