"""The committed JSON Schemas of records and packages: the contract that other programs read."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from carpal.records import schema

FOLDER = "docs/reference"


def files() -> dict[str, str]:
    with TemporaryDirectory() as folder:
        schema.write(Path(folder))
        return {f"{FOLDER}/{path.name}": path.read_text(encoding="utf-8") for path in sorted(Path(folder).iterdir())}
