"""JSON lines that are there whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from carpal.document import Document
from carpal.records.errors import OutputNotWritableError


class JsonLines:
    """A file of one JSON document a line, written beside its name and moved there when it is closed.

    Leaving the context for whatever reason keeps the lines that were written, so that an interrupted run loses nothing
    that it finished. An old file of the same name stays as it is until then.

    Args:
        path: the file to make; its folder must exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._temporary = _beside(path)

    def __enter__(self) -> Self:
        with writing(self.path):
            self._file = self._temporary.open("wb")
        return self

    def write(self, document: Document | dict[str, Any]) -> None:
        """Add one line.

        Raises:
            OutputNotWritableError: the disk is full or gone.
        """
        body = document.to_json() if isinstance(document, Document) else orjson.dumps(document)
        with writing(self.path):
            self._file.write(body + b"\n")
        self.count += 1

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        with writing(self.path), self._file:
            self._file.flush()
            os.fsync(self._file.fileno())
        self._temporary.replace(self.path)


def read_lines(path: Path) -> Iterator[Any]:
    """The documents of a JSON lines file, as plain data."""
    with path.open("rb") as lines:
        yield from (orjson.loads(line) for line in lines if line.strip())


def write_whole(path: Path, body: bytes) -> None:
    """Write one file so that nobody ever sees half of it; an old one is replaced.

    Raises:
        OutputNotWritableError: the disk is full or gone.
    """
    temporary = _beside(path)
    with writing(path):
        try:
            with temporary.open("wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def make_folder(path: Path) -> None:
    """Make a folder and those above it; one that is there is fine.

    Raises:
        OutputNotWritableError: a file is in the way, or the system refuses.
    """
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the operating system says into a typed error.

    Raises:
        OutputNotWritableError: whatever it was.
    """
    try:
        yield
    except OSError as failure:
        full = failure.errno in (errno.ENOSPC, errno.EDQUOT)
        raise OutputNotWritableError(
            f"{path} cannot be written: {failure.strerror}",
            "The disk is full." if full else "The system refused.",
            "Free some space, or give another folder with --out.",
        ) from failure


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
