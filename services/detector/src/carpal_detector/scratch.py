"""A folder for as long as its processes live; what killed ones have left behind goes at the next start.

A lock on the folder says that somebody lives: the process that made it holds it, and so do those that it forks, until
the last of them has ended, however it ends. Unlike a process id, it means the same in another container that has the
same /tmp.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from carpal_detector.errors import WorkerFailedError


@contextmanager
def scratch(prefix: str) -> Iterator[Path]:
    """A folder of this process and its forks, among the temporary ones; first those go that nobody holds any more.

    Args:
        prefix: of the names of all such folders.
    """
    for left in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        _remove_where_nobody_holds(left)
    folder, held = _make(prefix)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def reserve(folder: Path, kinds: Iterable[str], size_bytes: int = 1 << 20) -> None:
    """Take the room for files of prometheus_client before it makes them, which it would do without taking any.

    It maps them into memory: on a disk that is full by then, the first touch of a page ends the process.

    Args:
        folder: of all workers.
        kinds: what its files are called by: counter, histogram, gauge_livesum and so on.
        size_bytes: of each; it makes those larger that turn out too small.

    Raises:
        WorkerFailedError: there is no room.
    """
    for kind in kinds:
        with (folder / f"{kind}_{os.getpid()}.db").open("a+b") as file:
            try:
                os.posix_fallocate(file.fileno(), 0, size_bytes)
            except OSError as failure:
                raise WorkerFailedError(
                    f"There is no room for metrics in {folder}",
                    failure.strerror or str(failure),
                    "Free some, or name another folder in TMPDIR.",
                ) from failure


def _make(prefix: str) -> tuple[Path, int]:
    """A folder and what holds it; made again where another start took it for one that nobody holds."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix))
        held = os.open(folder, os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_SH)
        if folder.exists():
            return folder, held
        os.close(held)


def _remove_where_nobody_holds(folder: Path) -> None:
    """What is another user's, or has just gone, is left alone."""
    with suppress(OSError):
        seen = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            fcntl.flock(seen, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)
        finally:
            os.close(seen)
