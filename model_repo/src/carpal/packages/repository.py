"""What a repository of model packages is, wherever it is kept, and the rules that hold in all of them.

::

    <repository>/<name>/<version>/...      a package, immutable
    <repository>/<name>/channels.json      {"stable": "7", "candidate": "8"}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Protocol

from carpal.errors import Kind, PackageError, RepositoryError
from carpal.packages.channels import CHANNEL_PATTERN, Channels
from carpal.packages.errors import (
    ChannelUnknownError,
    LocationUnsupportedError,
    ManifestInvalidError,
    NameInvalidError,
    NameUnknownError,
    VersionExistsError,
    VersionUnfinishedError,
    VersionUnknownError,
)
from carpal.packages.manifest import NAME_PATTERN, VERSION_PATTERN, Manifest
from carpal.packages.package import Package

MOST_CONFLICTS = 100  # more publishers than ever race; it only keeps a fault from looping for ever
_LONGEST = {"name": 63, "version": 9, "channel": 63}
_PATTERNS = {"name": NAME_PATTERN, "version": VERSION_PATTERN, "channel": CHANNEL_PATTERN}


@dataclass(frozen=True)
class Published:
    """What a publish made: the name and version that it took, the digest of the content, and where it lies."""

    name: str
    version: str
    digest: str
    location: str


class Repository(Protocol):
    """Packages by name and version, and channels that point at versions. Safe for several processes at once."""

    def names(self) -> list[str]:
        """Names that have at least one version, sorted."""

    def versions(self, name: str) -> list[str]:
        """Published versions of a name, oldest first; empty where there is none."""

    def channels(self, name: str) -> dict[str, str]:
        """Where each channel of a name points."""

    def publish(
        self, path: Path, *, name: str | None = None, version: str | None = None, key: Path | None = None
    ) -> Published:
        """Add a verified package; at every moment the repository holds all of it or nothing of it.

        Args:
            path: the package's folder; it is left as it is.
            name: what to call it; by default what its manifest says.
            version: which number it takes; by default the next free one.
            key: sign with this private key.

        Raises:
            VersionExistsError: the version is taken.
            PackageError: the package is not whole, or could not be written.
        """

    def fetch(self, name: str, version: str) -> Package:
        """A verified package in a local folder.

        Raises:
            NameUnknownError, VersionUnknownError: it is not in the repository.
            PackageError: it is damaged.
        """

    def promote(self, name: str, version: str, channel: str = "stable") -> None:
        """Point a channel at a version."""

    def rollback(self, name: str, channel: str = "stable") -> str:
        """Point a channel at the version that it had before; returns that version."""

    def verify(self, *, public_key: Path | None = None) -> list[str]:
        """Check every package and channel, and with a key every signature; returns one sentence a problem."""


def open_repository(location: str | Path) -> Repository:
    """The repository at a location: a folder, or ``s3://bucket/prefix``.

    For S3 the endpoint, region and credentials come from the environment and files that boto3 reads
    (``AWS_ENDPOINT_URL_S3``, ``AWS_ENDPOINT_URL``, ``AWS_ACCESS_KEY_ID``, ...).

    Raises:
        LocationUnsupportedError: the location has another scheme.
    """
    text = str(location)
    if text.startswith("s3://"):
        from carpal.packages.s3 import open_s3_repository  # boto3 takes a third of a second to load

        return open_s3_repository(text)
    if "://" in text:
        raise LocationUnsupportedError(
            f"{text} is no repository that carpal can open",
            f"It speaks folders and s3://, not {text.partition('://')[0]}://.",
            "Give a folder, or s3://bucket/prefix.",
        )
    from carpal.packages.directory import DirectoryRepository  # it builds on this module

    return DirectoryRepository(Path(text))


def check_word(kind: str, word: str) -> str:
    """A name, version or channel that fits its pattern, and so can be part of a path.

    Raises:
        NameInvalidError: it does not.
    """
    if not fits(kind, word):
        rule = (
            "a whole number from 1" if kind == "version" else "small letters, digits and inner dashes, a letter first"
        )
        raise NameInvalidError(
            f"{word[:80]!r} is no {kind} of a package",
            f"A {kind} is {rule}, at most {_LONGEST[kind]} long.",
            "Correct it.",
        )
    return word


def fits(kind: str, word: str) -> bool:
    """Whether a word is a name, version or channel."""
    return len(word) <= _LONGEST[kind] and re.fullmatch(_PATTERNS[kind], word) is not None


def in_order(versions: Iterable[str]) -> list[str]:
    """Versions by number."""
    return sorted(versions, key=int)


def next_version(taken: Iterable[str]) -> str:
    """One more than the highest version taken, so that a number is never used twice."""
    return str(max((int(version) for version in taken), default=0) + 1)


def restamped(manifest: Manifest, name: str, version: str) -> Manifest:
    """The manifest under the name and version that it is published as."""
    if (manifest.name, manifest.version) == (name, version):
        return manifest
    return Manifest.parse(manifest.model_dump() | {"name": name, "version": version}, source=f"{name}:{version}")


def check_identity(manifest: Manifest, name: str, version: str, where: str | Path) -> None:
    """That a package is what its place says.

    Raises:
        ManifestInvalidError: its manifest gives another name or version.
    """
    if (manifest.name, manifest.version) != (name, version):
        raise ManifestInvalidError(
            f"{where} holds {manifest.name}:{manifest.version}, not {name}:{version}",
            "The manifest and the place must say the same.",
            "Publish it with carpal models publish; never copy packages by hand.",
        )


def check_channels(name: str, channels: Channels, versions: Iterable[str]) -> None:
    """That every channel points at a version.

    Raises:
        VersionUnknownError: one does not.
    """
    known = set(versions)
    for version in channels.present.values():
        if version not in known:
            raise unknown_version(name, version, known)


def problem(check: Callable[..., None], *words: str) -> list[str]:
    """What a check says is wrong, as one sentence; empty where nothing is."""
    try:
        check(*words)
    except (PackageError, RepositoryError) as failure:
        if failure.kind in (Kind.UNAVAILABLE, Kind.UNSUPPORTED, Kind.BAD_INPUT):
            raise  # the check could not be made, which says nothing about the repository
        return [f"{':'.join(words)}: {failure.what} [{failure.code}]"]
    return []


def publish_at(
    version: str | None, taken: Callable[[], Iterable[str]], attempt: Callable[[str], Published]
) -> Published:
    """Publish at the wanted version, or at the next free one: where another publisher was faster, at the one after it.

    Args:
        version: the wanted one, or None.
        taken: lists the published versions.
        attempt: publishes at a version, or raises one of the two conflicts.

    Raises:
        VersionExistsError, VersionUnfinishedError: the wanted version cannot be had.
    """
    if version is not None:
        return attempt(check_word("version", version))
    refused: set[str] = set()
    while True:
        candidate = next_version({*taken(), *refused})
        try:
            return attempt(candidate)
        except (VersionExistsError, VersionUnfinishedError):
            if len(refused) == MOST_CONFLICTS:
                raise
            refused.add(candidate)


def unknown_name(name: str, known: Iterable[str], where: str) -> NameUnknownError:
    """The error for a name that is not there, with the nearest one that is."""
    names = sorted(known)
    return NameUnknownError(f"{where} holds no package {name!r}", *_offer(name, names, "The repository is empty."))


def unknown_version(name: str, version: str, known: Iterable[str]) -> VersionUnknownError:
    """The error for a version that is not there."""
    versions = in_order(known)
    why = f"Its versions are {', '.join(versions[-10:])}." if versions else "It has no version at all."
    remedy = f"Try {name}:{versions[-1]}." if versions else "carpal models publish PACKAGE"
    return VersionUnknownError(f"{name} has no version {version!r}", why, remedy)


def unknown_channel(name: str, channel: str, known: Iterable[str]) -> ChannelUnknownError:
    """The error for a channel that is not there, with the nearest one that is."""
    why, remedy = _offer(channel, sorted(known), "No version of it was ever promoted.")
    return ChannelUnknownError(
        f"{name} has no channel {channel!r}", why, remedy if known else f"carpal models promote {name}:VERSION"
    )


def _offer(word: str, known: list[str], none: str) -> tuple[str, str]:
    """Why it is not there, and the nearest that is."""
    if not known:
        return none, "carpal models publish PACKAGE"
    near = get_close_matches(word, known, n=1)
    why = f"It holds {', '.join(known[:10])}{' and more' if len(known) > 10 else ''}."
    return why, f"Did you mean {near[0]!r}?" if near else "Choose one of these."
