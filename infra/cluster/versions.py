"""The versions of third-party software, as infra/versions.env pins them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from infra.cluster.errors import VersionsError

VERSIONS_FILE = Path(__file__).resolve().parent.parent / "versions.env"


def read_versions(path: Path = VERSIONS_FILE) -> Mapping[str, str]:
    """Every ``NAME_VERSION=value`` of the file, by its name.

    Raises VersionsError where a line is neither empty, a comment nor one assignment, or a name comes twice.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals or not name.isidentifier() or not value or name in found:
            raise VersionsError(
                f"Line {number} of {path.name} is {line!r}",
                "a line is NAME=value, each name once",
                f"correct the line in {path}",
            )
        found[name] = value
    return found
