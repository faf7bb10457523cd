"""The committed JSON Schemas of records and packages: the contract that other programs read."""

from __future__ import annotations

from carpal.records.schema import DOCUMENTS, render

FOLDER = "docs/reference"


def files() -> dict[str, str]:
    return {f"{FOLDER}/{name}": render(document).decode() for name, document in DOCUMENTS.items()}
