"""Files that are whole or not there."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

from carpal.document import Document
from carpal_loadtests.errors import UnwritableError


def write_whole(path: Path, write: Callable[[IO[bytes]], None]) -> None:
    """Write under a temporary name in the same folder, to the disk, then rename; a failure leaves nothing behind.

    Args:
        path: of the file; an older one is replaced.
        write: writes the bytes to the stream that it is given.

    Raises:
        UnwritableError: the file cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        partial.rename(path)
    except OSError as failure:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise UnwritableError(
            f"{path} cannot be written: {failure.strerror}",
            "A result is whole or not there, so nothing was left of this file.",
            "Make room or give another folder with --out, and run again.",
        ) from failure


def write_document(document: Document, path: Path) -> None:
    """Write a document as indented JSON, and the folders above it where they are missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, lambda stream: _put(stream, document))


def _put(stream: IO[bytes], document: Document) -> None:
    stream.write(document.to_json(indent=True))
