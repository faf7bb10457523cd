"""A file that grows: written beside its name, and moved there when it is closed."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import orjson

from carpal.records.errors import NameTooLongError, OutputNotWritableError

_TEMPORARY = re.compile(r"\.[0-9a-f]{16}\.tmp")
_UNLOCKED_S = 60.0


class Growing:
    """Bytes appended to a file that nobody sees before it is whole; an old one of the same name stays until then.

    Leaving the context for whatever reason keeps what was written, so that an interrupted run loses nothing that it
    finished.

    Args:
        path: the file to make; its folder must exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._temporary = beside(path)

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> IO[bytes]:
        """Begin, and give the open file.

        Raises:
            OutputNotWritableError: the folder is not there or cannot be written to.
        """
        with writing(self.path):
            self._file: IO[bytes] = self._temporary.open("wb")
            lock(self._file)
        return self._file

    def append(self, body: bytes) -> None:
        """Add bytes at the end.

        Raises:
            OutputNotWritableError: the disk is full or gone.
        """
        with writing(self.path):
            self._file.write(body)

    def close(self) -> None:
        """Put the file in its place.

        Raises:
            OutputNotWritableError: the disk is full or gone.
        """
        with writing(self.path), self._file:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._temporary.replace(self.path)  # before the lock goes with the file

    def discard(self) -> None:
        """Leave no trace of what was written."""
        with writing(self.path):
            self._file.close()
            self._temporary.unlink(missing_ok=True)


class JsonList(Growing):
    """One JSON list, an entry a line, appended to in constant memory."""

    count = 0

    def open(self) -> IO[bytes]:
        """Begin the list."""
        file = super().open()
        self.append(b"[")
        return file

    def add(self, entries: list[Any]) -> None:
        """Append entries, all of them or none."""
        if entries:
            self.append((b",\n" if self.count else b"\n") + b",\n".join(map(orjson.dumps, entries)))
            self.count += len(entries)

    def close(self) -> None:
        """End the list and put the file in its place."""
        self.append(b"\n]\n")
        super().close()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the operating system says into a typed error.

    Raises:
        NameTooLongError: of this file; others can be written.
        OutputNotWritableError: whatever else it was.
    """
    try:
        yield
    except OutputNotWritableError:
        raise
    except OSError as failure:
        if failure.errno == errno.ENAMETOOLONG:
            raise NameTooLongError(
                f"{path.name} is too long for a file name: {len(os.fsencode(path.name))} bytes",
                "The name of an output is the name of its image and an ending; most file systems take 255 bytes.",
                "Give the image a shorter name.",
            ) from failure
        full = failure.errno in (errno.ENOSPC, errno.EDQUOT)
        raise OutputNotWritableError(
            f"{path} cannot be written: {failure.strerror or failure}",
            "The disk is full." if full else "The system refused.",
            "Free some space, or give another folder with --out.",
        ) from failure


def beside(path: Path) -> Path:
    """A temporary name in the folder of a file. It is short, so that it fits wherever the file's own name fits."""
    return path.with_name(f".{secrets.token_hex(8)}.tmp")


def lock(temporary: IO[bytes]) -> None:
    """Mark an open temporary file as in use; without effect on a file system that has no locks."""
    with suppress(OSError):
        fcntl.flock(temporary, fcntl.LOCK_EX)


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files of runs that were killed: those that no process has open any more.

    A file without a lock is kept for a minute, because the process that made it may be about to lock it.
    """
    for path in folder.iterdir():
        if _TEMPORARY.fullmatch(path.name) and time.time() - path.stat().st_mtime > _UNLOCKED_S:
            with suppress(OSError), path.open("rb") as file:  # BlockingIOError: a running process has it
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
