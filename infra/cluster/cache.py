"""Where built things are kept: a folder a digest, whole or absent, outside the tree: every checkout finds them."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/carpal``, ``~/.cache/carpal`` where that is unset."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "carpal"


def ensured(place: Path, make: Callable[[Path], None]) -> bool:
    """Have ``make`` fill a folder unless it is there; it is filled under another name and renamed when whole.

    Two processes may ask at the same time: the second waits for the first. Gives whether anything was made.
    """
    if place.is_dir():
        return False
    place.parent.mkdir(parents=True, exist_ok=True)
    with _locked(place.with_name(f".{place.name}.lock")):
        if place.is_dir():
            return False
        unfinished = place.with_name(f".{place.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        make(unfinished)
        unfinished.rename(place)
    return True


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock that the kernel lets go of however this process ends."""
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
