"""Files that are written whole and stay written: space checked first, bytes flushed, moved into place by a rename."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from carpal.packages.errors import DiskFullError, NotWritableError

CHUNK_BYTES = 1 << 20
MARGIN_BYTES = 1 << 20  # folders, block rounding, the small files beside the weights
FreeBytes = Callable[[Path], int]


def free_bytes(folder: Path) -> int:
    """Bytes that the caller may still write on the file system of a folder."""
    return shutil.disk_usage(folder).free


def require_space(folder: Path, needed_bytes: int, free: FreeBytes = free_bytes) -> None:
    """Refuse before the first byte rather than in the middle.

    Raises:
        DiskFullError: less than what is needed and a small margin is free.
    """
    available = free(folder)
    if available < needed_bytes + MARGIN_BYTES:
        raise DiskFullError(
            f"{folder} has {available} bytes free, {needed_bytes + MARGIN_BYTES} are needed",
            "A package is written whole or not at all.",
            "Free some space, or choose a place on another disk.",
        )


@contextmanager
def writing_errors(place: Path) -> Iterator[None]:
    """Turn what the operating system says while writing below ``place`` into typed errors.

    Raises:
        DiskFullError: no space or quota left.
        NotWritableError: read-only, forbidden, not a folder, or a failing disk.
    """
    try:
        yield
    except OSError as failure:
        if failure.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(
                f"{place} ran full while writing", "The disk or the quota is used up.", "Free some space and try again."
            ) from failure
        raise NotWritableError(
            f"{place} cannot be written: {failure.strerror or failure}",
            "The package was not written, and nothing else was changed.",
            "Check the path, its permissions and the disk.",
        ) from failure


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy_file(source: Path, target: Path) -> str:
    """Copy to a new file, flushed to the disk; returns the SHA-256 of the bytes that were copied."""
    digest = hashlib.sha256()
    with source.open("rb") as reader, target.open("xb") as writer:
        while chunk := reader.read(CHUNK_BYTES):
            digest.update(chunk)
            writer.write(chunk)
        writer.flush()
        os.fsync(writer.fileno())
    return digest.hexdigest()


def write_file(target: Path, body: bytes, *, mode: int = 0o666) -> None:
    """Write a new file, flushed to the disk; the process's umask narrows its mode."""
    with open(target, "xb", opener=lambda path, flags: os.open(path, flags, mode)) as writer:
        writer.write(body)
        writer.flush()
        os.fsync(writer.fileno())


def replace_file(target: Path, body: bytes) -> None:
    """Put a file in place of another in one step: readers see the old bytes or the new, never a mixture."""
    temporary = beside(target)
    try:
        write_file(temporary, body)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def sync_file(path: Path) -> None:
    """Flush a file that somebody else wrote."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Flush a folder, so that the names in it survive a loss of power."""
    sync_file(folder)


def beside(target: Path) -> Path:
    """A fresh temporary name in the same folder; it starts with a dot, which no name or version does."""
    return target.with_name(f".writing-{target.name}-{secrets.token_hex(6)}")


def is_temporary(path: Path) -> bool:
    """Whether ``beside`` made this name."""
    return path.name.startswith(".writing-")
