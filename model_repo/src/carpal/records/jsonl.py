"""JSON lines and small files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from carpal.document import Document
from carpal.records.growing import Growing, beside, lock, writing


class JsonLines(Growing):
    """A file of one JSON document a line; see ``Growing`` for when it appears."""

    count = 0

    def write(self, document: Document | dict[str, Any]) -> None:
        """Add one line.

        Raises:
            OutputNotWritableError: the disk is full or gone.
        """
        body = document.to_json() if isinstance(document, Document) else orjson.dumps(document)
        self.append(body + b"\n")
        self.count += 1


def read_lines(path: Path) -> Iterator[Any]:
    """The documents of a JSON lines file, as plain data."""
    with path.open("rb") as lines:
        yield from (orjson.loads(line) for line in lines if line.strip())


def write_whole(path: Path, body: bytes) -> None:
    """Write one file so that nobody ever sees half of it; an old one is replaced.

    Raises:
        OutputNotWritableError: the disk is full or gone.
    """
    temporary = beside(path)
    with writing(path):
        try:
            with temporary.open("wb") as file:
                lock(file)
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
