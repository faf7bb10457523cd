"""A file that grows: written beside its name, and moved there when it is closed."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import orjson

from carpal.records.errors import OutputNotWritableError


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
        with writing(self.path):
            with self._file:
                self._file.flush()
                os.fsync(self._file.fileno())
            self._temporary.replace(self.path)

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
        OutputNotWritableError: whatever it was.
    """
    try:
        yield
    except OutputNotWritableError:
        raise
    except OSError as failure:
        full = failure.errno in (errno.ENOSPC, errno.EDQUOT)
        raise OutputNotWritableError(
            f"{path} cannot be written: {failure.strerror or failure}",
            "The disk is full." if full else "The system refused.",
            "Free some space, or give another folder with --out.",
        ) from failure


def beside(path: Path) -> Path:
    """A temporary name in the folder of a file."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
