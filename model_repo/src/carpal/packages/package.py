"""The model package: a folder that is whole and unaltered, or refused.

::

    manifest.json      what the package is and how to use it (carpal.packages.manifest)
    model.onnx ...     the variants that the manifest names
    SHA256SUMS         digests of all the files above, as sha256sum writes them, sorted by name
    signature.json     optional, over all the files above

Nothing else may lie in it: no other file, no folder, no link.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from carpal.packages import disk
from carpal.packages.errors import (
    DigestMismatchError,
    FileExtraError,
    FileMissingError,
    ManifestInvalidError,
    ManifestMissingError,
    NotReadableError,
    PackageMissingError,
    SumsMissingError,
    TargetExistsError,
    TruncatedError,
    UnsafeEntryError,
    VariantMissingError,
)
from carpal.packages.manifest import Manifest, Variant
from carpal.packages.sums import SUMS, format_sums, is_safe_name, parse_sums

MANIFEST = "manifest.json"
SIGNATURE = "signature.json"
_RESERVED = {MANIFEST, SUMS, SIGNATURE}
_REMEDY = "Fetch or publish the package again; a published package is never edited."


@dataclass(frozen=True)
class Package:
    """A package that was opened.

    Attributes:
        path: its folder.
        manifest: what it is and how to use it.
        digest: "sha256:" and the SHA-256 of its SHA256SUMS: the identity of all its content.
    """

    path: Path
    manifest: Manifest
    digest: str

    def variant(self, precision: str | None = None, engine: str | None = None) -> Variant:
        """The first variant of a precision that was measured on an engine.

        A float32 file runs on every engine: the arithmetic is the same but for rounding. Any other precision rounds
        in its own way on each engine, so that only the measured pairs are offered.

        Args:
            precision: that of the float reference by default.
            engine: any by default.

        Raises:
            VariantMissingError: the package has no such variant.
        """
        wanted = precision or self.manifest.variants[0].precision
        same = [variant for variant in self.manifest.variants if variant.precision == wanted]
        for variant in same:
            if engine in (None, variant.engine):
                return variant
        if same and wanted == "float32":
            return same[0]
        offered = ", ".join(f"{variant.precision} on {variant.engine}" for variant in self.manifest.variants)
        raise VariantMissingError(
            f"{self.manifest.name}:{self.manifest.version} has no {wanted} variant{f' for {engine}' if engine else ''}",
            "A variant exists only where it was made and measured.",
            f"Choose one of: {offered}.",
        )

    def file(self, variant: Variant) -> Path:
        """Where a variant's file lies."""
        return self.path / variant.file


def open_package(path: Path, *, verify: bool = True, public_key: Path | None = None) -> Package:
    """Open a package folder.

    Args:
        path: the folder.
        verify: compute and compare the digest of every file; without it only names, manifest and sums are compared.
        public_key: require a signature by the private half of this key.

    Raises:
        PackageError: a leaf of ``carpal.packages.errors`` that says what is wrong.
    """
    present = _entries(path)
    manifest = _read_manifest(path, present)
    sums_body, sums = _read_sums(path, present)
    _compare_names(path, present, manifest, sums)
    _compare_variants(path, manifest, sums)
    if verify:
        _compare_digests(path, sums)
    if public_key is not None:
        from carpal.packages.signing import verify_signature  # the optional extra is loaded only where it is needed

        verify_signature(path, public_key)
    return Package(path, manifest, "sha256:" + hashlib.sha256(sums_body).hexdigest())


def verify_package(path: Path) -> Package:
    """Open a package and check every digest; raises as ``open_package`` does."""
    return open_package(path, verify=True)


def write_package(
    target: Path,
    manifest: Manifest,
    files: Mapping[str, Path],
    *,
    key: Path | None = None,
    free_bytes: disk.FreeBytes = disk.free_bytes,
) -> Package:
    """Write a new package: beside the target, flushed and verified, then moved into place in one step.

    Args:
        target: the folder to make; it must not exist, its parent must.
        manifest: says which files the package has and their digests.
        files: where to copy each variant's file from, by the name that it has in the manifest.
        key: sign with this private key.
        free_bytes: says how much space is left, for tests.

    Raises:
        TargetExistsError: there is something at the target; it is left as it is.
        DiskFullError, NotWritableError: it could not be written; nothing is left behind.
        PackageError: the files are not those that the manifest names.
    """
    if os.path.lexists(target):
        raise _exists(target)
    with disk.writing_errors(target.parent):
        disk.require_space(target.parent, _size_bytes(files.values()), free_bytes)
        temporary = disk.beside(target)
        temporary.mkdir()
        try:
            _fill(temporary, manifest, files, key)
            move_into_place(temporary, target)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    return open_package(target, verify=False)


def move_into_place(temporary: Path, target: Path) -> None:
    """Give a finished folder its name; where the name is taken by a file or a non-empty folder, rename(2) itself fails.

    Raises:
        TargetExistsError: the name is taken.
    """
    if os.path.lexists(target):  # rename(2) would replace an empty folder
        raise _exists(target)
    try:
        temporary.rename(target)
    except (FileExistsError, NotADirectoryError) as failure:
        raise _exists(target) from failure
    except OSError as failure:
        if os.path.lexists(target):  # ENOTEMPTY has no class of its own
            raise _exists(target) from failure
        raise
    disk.sync_folder(target.parent)


def _fill(folder: Path, manifest: Manifest, files: Mapping[str, Path], key: Path | None) -> None:
    """Write all files into an empty folder, flush them and verify the result as a reader would."""
    digests: dict[str, str] = {}
    for variant in manifest.variants:
        if variant.file in digests:
            continue
        source = files.get(variant.file)
        if source is None or not source.is_file():
            raise FileMissingError(
                f"No file was given for {variant.file}", "The manifest names it as a variant.", "Give it."
            )
        digests[variant.file] = disk.copy_file(source, folder / variant.file)
    body = manifest.to_json(indent=True)
    disk.write_file(folder / MANIFEST, body)
    digests[MANIFEST] = hashlib.sha256(body).hexdigest()
    disk.write_file(folder / SUMS, format_sums(digests))
    if key is not None:
        from carpal.packages.signing import sign_package  # the optional extra is loaded only where it is needed

        sign_package(folder, key)
        disk.sync_file(folder / SIGNATURE)
    disk.sync_folder(folder)
    verify_package(folder)


def _entries(path: Path) -> set[str]:
    """Names in the folder; all are regular files that are not empty."""
    try:
        with os.scandir(path) as entries:
            names = set()
            for entry in entries:
                if not entry.is_file(follow_symlinks=False) or not is_safe_name(entry.name):
                    raise UnsafeEntryError(
                        f"{path} holds {entry.name!r}, which is a link, a folder or a hidden file",
                        "A package holds plain files only, so that nothing outside it can change what it is.",
                        _REMEDY,
                    )
                if entry.stat(follow_symlinks=False).st_size == 0:
                    raise TruncatedError(f"{path / entry.name} is empty", "No file of a package is.", _REMEDY)
                names.add(entry.name)
            return names
    except (FileNotFoundError, NotADirectoryError) as failure:
        raise PackageMissingError(
            f"There is no package at {path}", "A package is a folder with a manifest.json.", "Check the path."
        ) from failure
    except OSError as failure:
        raise _unreadable(path, failure) from failure


def _read_manifest(path: Path, present: set[str]) -> Manifest:
    if MANIFEST not in present:
        raise ManifestMissingError(
            f"{path} has no {MANIFEST}", "Without it the weights mean nothing.", "Give the folder of a package."
        )
    return Manifest.parse_json(_read(path / MANIFEST), source=path / MANIFEST, error=ManifestInvalidError)


def _read_sums(path: Path, present: set[str]) -> tuple[bytes, dict[str, str]]:
    if SUMS not in present:
        raise SumsMissingError(f"{path} has no {SUMS}", "It is written last: publishing did not finish.", _REMEDY)
    body = _read(path / SUMS)
    return body, parse_sums(body, source=path / SUMS)


def _compare_names(path: Path, present: set[str], manifest: Manifest, sums: Mapping[str, str]) -> None:
    variants = {variant.file for variant in manifest.variants}
    for name in sorted(variants & _RESERVED):
        raise ManifestInvalidError(f"A variant is called {name}", "That name has a meaning.", "Call it otherwise.")
    expected = {MANIFEST, *variants}
    for name in sorted(expected - set(sums)):
        raise FileMissingError(f"{path / SUMS} has no digest for {name}", f"{MANIFEST} names it.", _REMEDY)
    for name in sorted(expected - present):
        raise FileMissingError(f"{path} has no {name}", f"{MANIFEST} names it.", _REMEDY)
    for name in sorted((set(sums) | present - {SUMS, SIGNATURE}) - expected):
        raise FileExtraError(f"{path} holds {name}, which {MANIFEST} does not name", "A package is closed.", _REMEDY)


def _compare_variants(path: Path, manifest: Manifest, sums: Mapping[str, str]) -> None:
    for variant in manifest.variants:
        if sums[variant.file] != variant.sha256:
            raise DigestMismatchError(
                f"{path / variant.file}: {MANIFEST} says {variant.sha256}, {SUMS} says {sums[variant.file]}",
                "The two must say the same.",
                _REMEDY,
            )


def _compare_digests(path: Path, sums: Mapping[str, str]) -> None:
    for name, expected in sums.items():
        try:
            found = disk.sha256_of(path / name)
        except OSError as failure:
            raise _unreadable(path / name, failure) from failure
        if found != expected:
            raise DigestMismatchError(
                f"{path / name} has the digest {found}, {SUMS} says {expected}",
                "The file was altered or cut short after it was published.",
                _REMEDY,
            )


def _size_bytes(files: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in files if path.is_file())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as failure:
        raise _unreadable(path, failure) from failure


def _unreadable(path: Path, failure: OSError) -> NotReadableError:
    return NotReadableError(
        f"{path} cannot be read: {failure.strerror}", "The system refused.", "Check its permissions."
    )


def _exists(target: Path) -> TargetExistsError:
    return TargetExistsError(
        f"{target} is already there", "A package is never overwritten.", "Choose another place or version."
    )
