"""Files that are whole or not there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import IO

from carpal.document import Document


def write_whole(path: Path, write: Callable[[IO[str]], None]) -> None:
    """Write under a temporary name in the same folder, to the disk, then rename.

    Args:
        path: of the file; an older one is replaced.
        write: writes the text to the stream that it is given.
    """
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("w", newline="", encoding="utf-8") as stream:
        write(stream)
        stream.flush()
        os.fsync(stream.fileno())
    partial.rename(path)


def write_document(document: Document, path: Path) -> None:
    """Write a document as indented JSON, and the folders above it where they are missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, lambda stream: _put(stream, document))


def _put(stream: IO[str], document: Document) -> None:
    stream.write(document.to_json(indent=True).decode())
