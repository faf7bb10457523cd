"""A repository in an S3 bucket, with the same layout as in a folder, so that KServe reads it as it is.

There is no rename, so the order of writes does its work. Every object is made with ``If-None-Match: *`` and never
replaced. The manifest comes first and claims the version: it holds the digest of every variant, so whoever uploads
under the same manifest uploads the same bytes, and whoever has another manifest is refused. SHA256SUMS comes last:
a version exists if and only if it does. Nothing is torn, whoever crashes or races.

A publish that did not finish leaves a version without SHA256SUMS: no listing shows it, no reader takes it. Publishing
the same package again finishes it; another package gets the next number. It is never removed automatically, because no
store can tell a dead publisher from a slow one.
"""

from __future__ import annotations

import hashlib
import random
import re
import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from carpal.cache import default_cache
from carpal.errors import PackageError
from carpal.packages import disk
from carpal.packages.bucket import Body, Bucket, connect
from carpal.packages.channels import CHANNELS, Channels
from carpal.packages.errors import (
    ChannelsContendedError,
    ConditionsUnsupportedError,
    FileExtraError,
    FileMissingError,
    LocationUnsupportedError,
    TargetExistsError,
    VersionExistsError,
    VersionUnfinishedError,
)
from carpal.packages.package import (
    MANIFEST,
    SIGNATURE,
    Package,
    move_into_place,
    open_package,
    verify_package,
    write_package,
)
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
from carpal.packages.sums import SUMS, parse_sums

PROMOTE_ATTEMPTS = 8
PROMOTE_PAUSE_S = 0.05  # doubled, with jitter, after each lost race


class S3Repository:
    """A repository in a bucket.

    Args:
        bucket: where it is.
        prefix: of all its keys, without slashes at its ends; may be empty.
        cache: local folder for fetched packages.
    """

    def __init__(self, bucket: Bucket, prefix: str, cache: Path) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._cache = cache

    def __str__(self) -> str:
        return f"s3://{self._bucket.name}/{self._prefix}".rstrip("/")

    def names(self) -> list[str]:
        """Names that have at least one version, sorted."""
        return sorted({name for name, _ in self._committed(self._key())})

    def versions(self, name: str) -> list[str]:
        """Published versions of a name, oldest first; empty where there is none."""
        found = self._committed(self._key(check_word("name", name)) + "/")
        return in_order(version for _, version in found)

    def channels(self, name: str) -> dict[str, str]:
        """Where each channel of a name points."""
        self._known(name)
        return self._read_channels(name)[0].present

    def publish(
        self, path: Path, *, name: str | None = None, version: str | None = None, key: Path | None = None
    ) -> Published:
        """Add a verified package, as ``Repository.publish`` says."""
        package = verify_package(path)
        name = check_word("name", name or package.manifest.name)
        files = {variant.file: package.file(variant) for variant in package.manifest.variants}

        with TemporaryDirectory(prefix="carpal-publish-") as scratch:

            def attempt(candidate: str) -> Published:
                manifest = restamped(package.manifest, name, candidate)
                return self._upload(write_package(Path(scratch) / candidate, manifest, files, key=key))

            return publish_at(version, lambda: self.versions(name), attempt)

    def fetch(self, name: str, version: str) -> Package:
        """The verified package, in the local cache."""
        sums = self._sums(name, version)
        sizes = self._files(name, version, sums)
        signature = self._bucket.read(self._key(name, version, SIGNATURE)) if SIGNATURE in sizes else None
        identity = hashlib.sha256(sums + (signature.content if signature else b"")).hexdigest()
        target = self._cache / "packages" / f"{name}-{version}-{identity[:32]}"
        digest = "sha256:" + hashlib.sha256(sums).hexdigest()
        if (cached := _intact(target, digest)) is not None:
            return cached
        with disk.writing_errors(target.parent):
            target.parent.mkdir(parents=True, exist_ok=True)
            disk.require_space(target.parent, sum(sizes.values()))
            temporary = disk.beside(target)
            temporary.mkdir()
            try:
                self._download(name, version, sizes, temporary)
                move_into_place(temporary, target)
            except TargetExistsError:  # another process was faster with the same content
                shutil.rmtree(temporary, ignore_errors=True)
            except BaseException:
                shutil.rmtree(temporary, ignore_errors=True)
                raise
        return verify_package(target)

    def promote(self, name: str, version: str, channel: str = "stable") -> None:
        """Point a channel at a version. A version was verified before it was committed, so it is only looked up."""
        check_word("channel", channel)
        self._sums(name, version)
        self._change_channels(name, lambda channels: channels.promoted(channel, version))

    def rollback(self, name: str, channel: str = "stable") -> str:
        """Point a channel at the version that it had before; returns that version."""
        self._known(name)

        def back(channels: Channels) -> Channels:
            if channel not in channels.present:
                raise unknown_channel(name, channel, channels.present)
            after = channels.rolled_back(channel)
            self._sums(name, after.present[channel])
            return after

        return self._change_channels(name, back).present[channel]

    def verify(self, *, public_key: Path | None = None) -> list[str]:
        """Download and check every package, and check the channels; returns one sentence a problem."""
        problems = []
        check = partial(self._check_version, public_key=public_key)
        for name in self.names():
            for version in self.versions(name):
                problems += problem(check, name, version)
            problems += problem(self._check_channels, name)
        return problems

    def _key(self, *parts: str) -> str:
        return "/".join(part for part in (self._prefix, *parts) if part)

    def _committed(self, prefix: str) -> set[tuple[str, str]]:
        """Name and version of every SHA256SUMS below a prefix."""
        own = len(self._prefix) + 1 if self._prefix else 0
        places = (key[own:].split("/") for key in self._bucket.sizes(prefix))
        return {
            (place[0], place[1])
            for place in places
            if len(place) == 3 and place[2] == SUMS and fits("name", place[0]) and fits("version", place[1])
        }

    def _known(self, name: str) -> list[str]:
        """The versions of a name that has some."""
        versions = self.versions(name)
        if not versions:
            raise unknown_name(name, self.names(), str(self))
        return versions

    def _sums(self, name: str, version: str) -> bytes:
        """SHA256SUMS of a version that is there."""
        check_word("name", name)
        body = self._bucket.read(self._key(name, version, SUMS)) if fits("version", version) else None
        if body is None:
            raise unknown_version(name, version, self._known(name))
        return body.content

    def _files(self, name: str, version: str, sums: bytes) -> dict[str, int]:
        """Size in bytes of each file of a version, by its name; they are exactly those that its sums name."""
        folder = self._key(name, version) + "/"
        sizes = {key.removeprefix(folder): size for key, size in self._bucket.sizes(folder).items()}
        expected = {*parse_sums(sums, source=folder + SUMS), SUMS}
        for extra in sorted(set(sizes) - expected - {SIGNATURE}):
            raise FileExtraError(
                f"{self}/{name}/{version} holds {extra!r}", "A package is closed.", "Remove that object."
            )
        for missing in sorted(expected - set(sizes)):
            raise FileMissingError(
                f"{self}/{name}/{version} has no {missing}", f"{SUMS} names it.", "Publish it again."
            )
        return sizes

    def _download(self, name: str, version: str, sizes: dict[str, int], folder: Path) -> None:
        """Bring all files of a version into an empty folder and verify them."""
        for file in sizes:
            self._bucket.download(self._key(name, version, file), folder / file)
        disk.sync_folder(folder)
        check_identity(verify_package(folder).manifest, name, version, f"{self}/{name}/{version}")

    def _upload(self, package: Package) -> Published:
        """Claim the version, upload the files, and commit; see the head of this file."""
        name, version = package.manifest.name, package.manifest.version
        place = self._key(name, version)
        if self._bucket.read(f"{place}/{SUMS}") is not None:
            raise self._taken(name, version)
        self._claim(package, place)
        files = sorted(path.name for path in package.path.iterdir() if path.name not in (MANIFEST, SUMS))
        for file in sorted(files, key=lambda file: file == SIGNATURE):
            if not self._bucket.create(f"{place}/{file}", package.path / file):
                self._compare(f"{place}/{file}", package.path / file, name, version)
        uploaded = {key.removeprefix(f"{place}/"): size for key, size in self._bucket.sizes(f"{place}/").items()}
        uploaded.pop(SUMS, None)
        expected = {file: (package.path / file).stat().st_size for file in (MANIFEST, *files)}
        if uploaded != expected:
            raise self._unfinished(name, version, f"it holds {', '.join(sorted(uploaded))}")
        if not self._bucket.replace(f"{place}/{SUMS}", (package.path / SUMS).read_bytes(), None):
            raise self._taken(name, version)
        return Published(name, version, package.digest, f"{self}/{name}/{version}")

    def _claim(self, package: Package, place: str) -> None:
        """Make the manifest object, or find that it is there already and the same."""
        key, path = f"{place}/{MANIFEST}", package.path / MANIFEST
        made = self._bucket.create(key, path)
        if made and self._bucket.create(key, path):
            raise ConditionsUnsupportedError(
                f"The object store of {self} ignores If-None-Match",
                "Without conditional writes two publishers could overwrite each other.",
                "Use a store that has them, or a repository in a folder.",
            )
        if not made:
            self._compare(key, path, package.manifest.name, package.manifest.version)

    def _compare(self, key: str, path: Path, name: str, version: str) -> None:
        """That an object which another publish made is the one that this publish would have made."""
        with TemporaryDirectory(prefix="carpal-compare-") as scratch:
            found = Path(scratch) / "object"
            try:
                self._bucket.download(key, found)
            except FileNotFoundError as failure:
                raise self._unfinished(name, version, f"{key} came and went") from failure
            if disk.sha256_of(found) != disk.sha256_of(path):
                raise self._unfinished(name, version, f"{key} is of another package")

    def _taken(self, name: str, version: str) -> VersionExistsError:
        return VersionExistsError(
            f"{name}:{version} is already in {self}",
            "A published version never changes.",
            "Publish without a version to take the next free one.",
        )

    def _unfinished(self, name: str, version: str, found: str) -> VersionUnfinishedError:
        return VersionUnfinishedError(
            f"{name}:{version} is held by another publish, which has not finished: {found}",
            "It is running now, or it was interrupted; what it claimed is never overwritten.",
            "Publish without a version. Objects without SHA256SUMS may be removed when nobody is publishing.",
        )

    def _read_channels(self, name: str) -> tuple[Channels, Body | None]:
        key = self._key(name, CHANNELS)
        body = self._bucket.read(key)
        return (Channels({}) if body is None else Channels.parse(body.content, source=key)), body

    def _change_channels(self, name: str, change: Callable[[Channels], Channels]) -> Channels:
        """Replace channels.json where nobody else did meanwhile, else look again; returns the channels after it."""
        for attempt in range(PROMOTE_ATTEMPTS):
            before, body = self._read_channels(name)
            after = change(before)
            if after == before or self._bucket.replace(self._key(name, CHANNELS), after.to_json(), body):
                return after
            time.sleep(PROMOTE_PAUSE_S * 2**attempt * random.uniform(0.5, 1.0))
        raise ChannelsContendedError(
            f"The channels of {name} in {self} changed {PROMOTE_ATTEMPTS} times while they were being changed",
            "Somebody else promotes at the same moment.",
            "Look with carpal models list, then try again.",
        )

    def _check_version(self, name: str, version: str, *, public_key: Path | None) -> None:
        with TemporaryDirectory(prefix="carpal-verify-") as scratch:
            self._download(name, version, self._files(name, version, self._sums(name, version)), Path(scratch))
            open_package(Path(scratch), verify=False, public_key=public_key)

    def _check_channels(self, name: str) -> None:
        check_channels(name, self._read_channels(name)[0], self.versions(name))


def open_s3_repository(location: str) -> S3Repository:
    """The repository at ``s3://bucket/prefix``, through boto3's own settings.

    Raises:
        LocationUnsupportedError: no bucket is named, or the endpoint is no URL.
    """
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", bucket):
        raise LocationUnsupportedError(
            f"{location} names no bucket", "A location is s3://bucket/prefix.", "Write the bucket's name after s3://."
        )
    return S3Repository(Bucket(connect(), bucket), prefix.strip("/"), default_cache())


def _intact(folder: Path, digest: str) -> Package | None:
    """The cached package; one that was damaged, or is not the one that was asked for, is removed."""
    if not folder.is_dir():
        return None
    try:
        package = verify_package(folder)
    except PackageError:
        package = None
    if package is None or package.digest != digest:
        shutil.rmtree(folder, ignore_errors=True)
        return None
    return package
