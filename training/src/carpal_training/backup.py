"""A copy of a run elsewhere, a folder or S3, from which another machine can go on where this one was lost.

Each file is replaced whole, and the checkpoint to go on from comes last. Where the copy breaks off between two files,
epochs.csv is at most one epoch ahead of it, and the loop cuts that off.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from carpal.errors import CarpalError
from carpal.packages.bucket import Bucket, connect
from carpal.packages.errors import LocationUnsupportedError
from carpal_training.errors import RunMissingError
from carpal_training.run import Epoch, RunFolder

FILES = ("recipe.yaml", "split.json", "run.json", "epochs.csv", "best.pt", "last.pt")


class Place(Protocol):
    """Somewhere that keeps files by name."""

    def put(self, source: Path) -> None:
        """Keep a file under its name, whole, in the place of an earlier one."""

    def get(self, target: Path) -> bool:
        """Bring the file of that name; says whether there is one."""


class FolderPlace:
    """A folder, on another disk or a network."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, source: Path) -> None:
        """As Place says."""
        self._folder.mkdir(parents=True, exist_ok=True)
        temporary = self._folder / f".{source.name}.writing"
        shutil.copyfile(source, temporary)
        temporary.replace(self._folder / source.name)

    def get(self, target: Path) -> bool:
        """As Place says."""
        if not (self._folder / target.name).is_file():
            return False
        shutil.copyfile(self._folder / target.name, target)
        return True


class BucketPlace:
    """Keys below a prefix of an S3 bucket."""

    def __init__(self, bucket: Bucket, prefix: str) -> None:
        self._bucket, self._prefix = bucket, prefix

    def put(self, source: Path) -> None:
        """As Place says."""
        self._bucket.put(self._key(source.name), source)

    def get(self, target: Path) -> bool:
        """As Place says."""
        target.unlink(missing_ok=True)
        try:
            self._bucket.download(self._key(target.name), target)
        except FileNotFoundError:
            return False
        return True

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{name}".lstrip("/")


def open_place(location: str) -> Place:
    """``s3://bucket/prefix``, through boto3's own settings, or a folder.

    Raises:
        LocationUnsupportedError: another kind of address, or no bucket in it.
    """
    scheme, separator, rest = location.partition("://")
    if not separator:
        return FolderPlace(Path(location))
    bucket, _, prefix = rest.partition("/")
    if scheme != "s3" or not bucket:
        raise LocationUnsupportedError(
            f"{location} is no place for a copy", "It is a folder, or s3://bucket/prefix.", "Write one of the two."
        )
    return BucketPlace(Bucket(connect(), bucket), prefix.strip("/"))


class Backup:
    """The journal that keeps the copy up to date: after each epoch, and at the end.

    A place that cannot be written ends no run: it is said, and tried again after the next epoch.

    Args:
        folder: of the run.
        place: where the copy is.
        say: hears of what failed.
    """

    def __init__(self, folder: RunFolder, place: Place, say: Callable[[str], None]) -> None:
        self._folder, self._place, self._say = folder, place, say
        self._sent: dict[str, int] = {}

    def note(self, epoch: Epoch) -> None:
        """One more epoch is done: send what has changed."""
        self._send(f"after epoch {epoch.epoch}")

    def close(self) -> None:
        """The run has ended, one way or another: send its last state."""
        self._send("at the end")

    def _send(self, when: str) -> None:
        for name in FILES:
            path = self._folder.path / name
            if not path.is_file() or self._sent.get(name) == path.stat().st_mtime_ns:
                continue
            changed = path.stat().st_mtime_ns
            try:
                self._place.put(path)
            except (CarpalError, OSError) as failure:
                self._say(f"The copy of the run is not up to date {when}, {name} was not written: {failure}")
                return
            self._sent[name] = changed


def fetch_run(place: Place, folder: RunFolder, location: str) -> None:
    """Bring a run from its copy into an empty folder.

    Raises:
        RunMissingError: there is none with a checkpoint.
    """
    folder.path.mkdir(parents=True, exist_ok=True)
    missing = [name for name in FILES if not place.get(folder.path / name)]
    if set(missing) - {"best.pt"}:
        for name in FILES:
            (folder.path / name).unlink(missing_ok=True)
        raise RunMissingError(
            f"{location} holds no run to go on with, {missing[0]} is not there",
            "The copy is made after each epoch.",
            "Check the place that was given as --backup, or start without --resume.",
        )
