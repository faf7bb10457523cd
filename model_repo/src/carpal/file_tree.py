"""The files below a folder, for every command that takes a folder."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from carpal.errors import UsageError

Skip = Callable[[Path], bool]


class FolderUnreadableError(UsageError):
    """A folder below the given one cannot be listed."""

    code = "usage.folder-unreadable"


def files_below(folder: Path, *, skip: Skip = lambda _: False) -> Iterator[Path]:
    """Every visible file below a folder: those of a folder by name, then its folders by name.

    Symbolic links to folders are followed after the folders themselves, and no folder is visited twice, so that links
    in a circle end and a folder that two paths lead to counts once. Links that lead to no file are included: the caller
    reports them. Named pipes, sockets and devices are not, because reading them can block.

    Args:
        folder: where to begin.
        skip: whether to leave a folder out; not asked for the first.

    Raises:
        FolderUnreadableError: a folder cannot be listed.
    """
    visited: set[tuple[int, int]] = set()
    waiting = deque([folder])  # the first, then links to folders
    while waiting:
        yield from _below(waiting.popleft(), visited, waiting, skip)


def _below(folder: Path, visited: set[tuple[int, int]], links: deque[Path], skip: Skip) -> Iterator[Path]:
    try:
        status = folder.stat()
        if (status.st_dev, status.st_ino) in visited:
            return
        visited.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as listing:
            entries = sorted((entry for entry in listing if entry.name[0] != "."), key=lambda entry: entry.name)
    except OSError as failure:
        raise FolderUnreadableError(
            f"{folder} cannot be listed: {failure.strerror or failure}",
            "Its images would be missing without a message.",
            "Allow reading it, or give the other folders and files by name.",
        ) from failure
    folders: list[Path] = []
    for entry in entries:
        path = folder / entry.name
        if entry.is_dir():
            if not skip(path):
                (links if entry.is_symlink() else folders).append(path)
        elif entry.is_file() or (entry.is_symlink() and not path.exists()):
            yield path
    for path in folders:
        yield from _below(path, visited, links, skip)
