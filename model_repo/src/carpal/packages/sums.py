"""SHA256SUMS: the digest of every file of a package, as ``sha256sum`` writes it and checks it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from carpal.packages.errors import SumsInvalidError, TruncatedError, UnsafeEntryError

SUMS = "SHA256SUMS"
_LINE = re.compile(r"(?P<digest>[0-9a-f]{64})  (?P<name>.+)")
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_REMEDY = "Fetch or publish the package again; a published package is never edited."


def format_sums(digests: Mapping[str, str]) -> bytes:
    """SHA256SUMS of file names and hexadecimal digests; ``sha256sum --check`` reads it."""
    return "".join(f"{digests[name]}  {name}\n" for name in sorted(digests)).encode()


def parse_sums(body: bytes, *, source: str | Path) -> dict[str, str]:
    """File names and their hexadecimal digests.

    Raises:
        TruncatedError: empty, or the last line has no end.
        UnsafeEntryError: a name that could lead out of the folder.
        SumsInvalidError: anything else that sha256sum would not have written.
    """
    if not body.endswith(b"\n"):
        raise TruncatedError(f"{source} does not end with a full line", "It was cut short.", _REMEDY)
    digests: dict[str, str] = {}
    for line in body.decode("utf-8", errors="replace").splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            raise SumsInvalidError(
                f"{source} has the line {line[:80]!r}", "A line is a SHA-256, two spaces, a name.", _REMEDY
            )
        name = match["name"]
        if not is_safe_name(name):
            raise UnsafeEntryError(f"{source} names {name[:80]!r}", "Names must stay in the package's folder.", _REMEDY)
        if name in digests:
            raise SumsInvalidError(f"{source} names {name!r} twice", "Each file has one digest.", _REMEDY)
        digests[name] = match["digest"]
    return digests


def is_safe_name(name: str) -> bool:
    """Whether a file of this name stays in its folder and is visible."""
    return _SAFE_NAME.fullmatch(name) is not None
