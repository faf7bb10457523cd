"""A repository in a folder, local or shared.

A version appears by one rename(2) of a finished, flushed and verified folder, so a crash at any point leaves the
repository as it was. What a crashed publish leaves has a name that starts with a dot: no listing sees it, and a later
publish of the same package removes it. Publishers and promoters of one package take turns through flock(2), which the
system frees when a process dies; where a network file system does not honour it, the rename still lets only one win.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from carpal.packages import disk
from carpal.packages.channels import CHANNELS, Channels
from carpal.packages.errors import NotReadableError, TargetExistsError, VersionExistsError
from carpal.packages.package import Package, open_package, verify_package, write_package
from carpal.packages.repository import (
    Published,
    check_channels,
    check_identity,
    check_word,
    fits,
    in_order,
    problem,
    publish_at,
    restamped,
    unknown_channel,
    unknown_name,
    unknown_version,
)

LOCK = ".lock"
STALE_AFTER_S = 3600.0  # a publish takes seconds; this only matters where flock is not honoured


class DirectoryRepository:
    """A repository in a folder.

    Args:
        root: the folder; it is made by the first publish.
        stale_after_s: age at which the leftovers of a crashed publish are removed.
        free_bytes: says how much space is left, for tests.
    """

    def __init__(
        self,
        root: Path,
        *,
        stale_after_s: float = STALE_AFTER_S,
        free_bytes: disk.FreeBytes = disk.free_bytes,
    ) -> None:
        self.root = root
        self._stale_after_s = stale_after_s
        self._free_bytes = free_bytes

    def __str__(self) -> str:
        return str(self.root)

    def names(self) -> list[str]:
        """Names that have at least one version, sorted."""
        return [name for name in _folders(self.root, "name") if self.versions(name)]

    def versions(self, name: str) -> list[str]:
        """Published versions of a name, oldest first; empty where there is none."""
        return in_order(_folders(self.root / check_word("name", name), "version"))

    def channels(self, name: str) -> dict[str, str]:
        """Where each channel of a name points."""
        self._known(name)
        return self._read_channels(name).present

    def publish(
        self, path: Path, *, name: str | None = None, version: str | None = None, key: Path | None = None
    ) -> Published:
        """Add a verified package, as ``Repository.publish`` says."""
        package = verify_package(path)
        name = check_word("name", name or package.manifest.name)

        def attempt(candidate: str) -> Published:
            return self._write(package, name, candidate, key)

        with self._turn(name, create=True):
            self._sweep(name)
            return publish_at(version, lambda: self.versions(name), attempt)

    def fetch(self, name: str, version: str) -> Package:
        """The verified package, where it lies."""
        return verify_package(self._known(name, version) / version)

    def promote(self, name: str, version: str, channel: str = "stable") -> None:
        """Point a channel at a version, which is verified first."""
        check_word("channel", channel)
        self.fetch(name, version)
        with self._turn(name):
            self._change_channels(name, lambda channels: channels.promoted(channel, version))

    def rollback(self, name: str, channel: str = "stable") -> str:
        """Point a channel at the version that it had before; returns that version."""
        self._known(name)
        with self._turn(name):
            if channel not in (before := self._read_channels(name)).present:
                raise unknown_channel(name, channel, before.present)
            version = before.rolled_back(channel).present[channel]
            self.fetch(name, version)
            self._change_channels(name, lambda channels: channels.rolled_back(channel))
        return version

    def verify(self, *, public_key: Path | None = None) -> list[str]:
        """Check every package and channel; returns one sentence a problem."""
        problems = []
        check = partial(self._check_version, public_key=public_key)
        for name in self.names():
            for version in self.versions(name):
                problems += problem(check, name, version)
            problems += problem(self._check_channels, name)
        return problems

    def _write(self, package: Package, name: str, version: str, key: Path | None) -> Published:
        manifest = restamped(package.manifest, name, version)
        files = {variant.file: package.file(variant) for variant in manifest.variants}
        target = self.root / name / version
        try:
            made = write_package(target, manifest, files, key=key, free_bytes=self._free_bytes)
        except TargetExistsError as failure:
            raise VersionExistsError(
                f"{name}:{version} is already in {self.root}",
                "A published version never changes.",
                "Publish without a version to take the next free one.",
            ) from failure
        return Published(name, version, made.digest, str(target))

    def _known(self, name: str, version: str | None = None) -> Path:
        """The folder of a name that has versions, and this one among them."""
        versions = self.versions(name)
        if not versions:
            raise unknown_name(name, self.names(), str(self.root))
        if version is not None and version not in versions:
            raise unknown_version(name, version, versions)
        return self.root / name

    def _read_channels(self, name: str) -> Channels:
        path = self.root / name / CHANNELS
        try:
            return Channels.parse(path.read_bytes(), source=path)
        except FileNotFoundError:
            return Channels({})
        except OSError as failure:
            raise _unreadable(path, failure) from failure

    def _change_channels(self, name: str, change: Callable[[Channels], Channels]) -> None:
        """Replace channels.json in one step; the caller holds the turn."""
        before = self._read_channels(name)
        after = change(before)
        if after != before:
            path = self.root / name / CHANNELS
            with disk.writing_errors(path):
                disk.replace_file(path, after.to_json())

    @contextmanager
    def _turn(self, name: str, *, create: bool = False) -> Iterator[None]:
        """Wait for the exclusive turn at changing one name."""
        folder = self.root / name
        with disk.writing_errors(folder):
            if create:
                _make_durable(folder)
            descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            with disk.writing_errors(folder / LOCK):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _sweep(self, name: str) -> None:
        """Remove what crashed publishes and promotes left; the caller holds the turn."""
        oldest_kept = time.time() - self._stale_after_s
        with disk.writing_errors(self.root / name):
            for leftover in filter(disk.is_temporary, list((self.root / name).iterdir())):
                if leftover.lstat().st_mtime > oldest_kept:
                    continue
                if leftover.is_dir() and not leftover.is_symlink():
                    shutil.rmtree(leftover)
                else:
                    leftover.unlink()

    def _check_version(self, name: str, version: str, *, public_key: Path | None) -> None:
        path = self.root / name / version
        check_identity(open_package(path, public_key=public_key).manifest, name, version, path)

    def _check_channels(self, name: str) -> None:
        check_channels(name, self._read_channels(name), self.versions(name))


def _folders(root: Path, kind: str) -> list[str]:
    """Sorted names of the folders whose names fit; none where there is no such root."""
    try:
        return sorted(entry.name for entry in root.iterdir() if fits(kind, entry.name) and entry.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as failure:
        raise _unreadable(root, failure) from failure


def _make_durable(folder: Path) -> None:
    """Make a folder and those above it, flushed so that they survive a loss of power."""
    if not folder.is_dir():
        _make_durable(folder.parent)
        folder.mkdir(exist_ok=True)
        disk.sync_folder(folder.parent)


def _unreadable(path: Path, failure: OSError) -> NotReadableError:
    return NotReadableError(
        f"{path} cannot be read: {failure.strerror}", "The system refused.", "Check its permissions."
    )
