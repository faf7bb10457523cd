"""References: the one way in which people and programs name a model package.

=================  =====================================================
``starter``        the small package that comes with carpal
``./folder``       a package folder: anything with a slash in it
``name``           the same as ``name@stable``
``name@channel``   where the channel points now
``name:version``   this version for ever
=================  =====================================================
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import carpal
from carpal.packages import DEFAULT_CHANNEL, DEFAULT_REPOSITORY, REPOSITORY_VARIABLE
from carpal.packages.errors import NameUnknownError, PackageMissingError, ReferenceInvalidError
from carpal.packages.package import MANIFEST, Package, open_package
from carpal.packages.repository import Repository, check_word, open_repository, unknown_channel

STARTER = "starter"


@dataclass(frozen=True)
class Reference:
    """A name with the version or the channel that was asked for; exactly one of the two is set."""

    name: str
    version: str | None
    channel: str | None


def resolve(reference: str, repository: str | Path | None = None, *, public_key: Path | None = None) -> Package:
    """The verified package that a reference names.

    Args:
        reference: one of the forms in the table above.
        repository: its location; by default $CARPAL_REPOSITORY, else ./models.
        public_key: require a signature by the private half of this key.

    Raises:
        ReferenceInvalidError: it is none of the forms.
        RepositoryError: the repository does not hold it; the nearest name is offered.
        PackageError: it is damaged.
    """
    folder = _folder(reference)
    if folder is None:
        folder = fetch(parse(reference), open_repository(repository or default_repository()), reference).path
        return open_package(folder, verify=False, public_key=public_key)
    return open_package(folder, public_key=public_key)


def parse(reference: str) -> Reference:
    """Split ``name``, ``name@channel`` or ``name:version``.

    Raises:
        ReferenceInvalidError, NameInvalidError: it is none of these.
    """
    name, mark, rest = reference, "", ""
    for candidate in "@:":
        if candidate in reference:
            name, mark, rest = reference.partition(candidate)
            break
    if not name or (mark and not rest):
        raise ReferenceInvalidError(
            f"{reference!r} names no model package",
            "A reference is starter, ./folder, name, name@channel or name:version.",
            "Write one of these forms.",
        )
    check_word("name", name)
    if mark == ":":
        return Reference(name, check_word("version", rest), None)
    return Reference(name, None, check_word("channel", rest or DEFAULT_CHANNEL))


def channel_of(reference: str) -> Reference | None:
    """The name and channel that a reference follows; None for a folder, the starter or a version, which never move.

    Raises:
        ReferenceInvalidError, NameInvalidError: as parse.
    """
    if reference == STARTER or _folder(reference) is not None:
        return None
    parsed = parse(reference)
    return parsed if parsed.channel is not None else None


def fetch(wanted: Reference, repository: Repository, text: str = "") -> Package:
    """The package that a parsed reference names in a repository."""
    try:
        return repository.fetch(wanted.name, locate(wanted, repository))
    except NameUnknownError as failure:
        if text and (Path(text) / MANIFEST).is_file():
            failure.remedy += f" For the folder here, write ./{text}."
        elif get_close_matches(text, [STARTER]):
            failure.remedy += f" (or did you mean {STARTER!r}, the package that comes with carpal?)"
        raise


def locate(wanted: Reference, repository: Repository) -> str:
    """The version that a parsed reference means now.

    Raises:
        NameUnknownError, ChannelUnknownError: it is not there.
    """
    if wanted.version is not None:
        return wanted.version
    channels = repository.channels(wanted.name)
    if wanted.channel not in channels:
        raise unknown_channel(wanted.name, wanted.channel or "", channels)
    return channels[wanted.channel]


def starter_path() -> Path:
    """Where the package that comes with carpal lies: in the installed wheel, else in the checkout.

    Raises:
        PackageMissingError: it is in neither.
    """
    source = Path(carpal.__path__[0])
    for folder in (source / STARTER, source.parents[1] / STARTER):
        if (folder / MANIFEST).is_file():
            return folder
    raise PackageMissingError(
        "The starter package is not installed",
        "It comes with the wheel and with a full checkout.",
        "Install carpal again, or name a package of a repository.",
    )


def default_repository() -> str:
    """Where packages are kept when nobody says: $CARPAL_REPOSITORY, else ./models."""
    return os.environ.get(REPOSITORY_VARIABLE) or DEFAULT_REPOSITORY


def _folder(reference: str) -> Path | None:
    """The folder that a reference names, or None for one that a repository must look up."""
    if reference == STARTER:
        return starter_path()
    if "/" in reference or os.sep in reference or reference in (".", ".."):
        return Path(reference)
    return None
