"""A disk that is full is said as what it is, whoever was writing: it would fill up again, so nothing is tried again."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from carpal_training.errors import DiskFullError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # no space, over a quota, over the limit of the process (ulimit -f)


@contextlib.contextmanager
def told_if_full(path: Path) -> Iterator[None]:
    """Writing a file; any other failure passes as it is.

    torch hides the system's error behind one of its own ("unexpected pos"), so that the chain is searched.

    Args:
        path: the file, for the message.

    Raises:
        DiskFullError: the system took no more bytes.
    """
    try:
        yield
    except Exception as failure:
        cause = _full(failure)
        if cause is None:
            raise
        raise DiskFullError(
            f"{path} cannot be written: {cause.strerror}",
            "Files that were whole before are as they were.",
            "Make room, or raise the quota; a run then goes on with --resume.",
        ) from failure


def _full(failure: BaseException | None) -> OSError | None:
    while failure is not None:
        if isinstance(failure, OSError) and failure.errno in FULL:
            return failure
        failure = failure.__cause__ or failure.__context__
    return None
