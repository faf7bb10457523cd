"""The JSON Schemas of the two documents that others read: ``python -m carpal.records.schema OUT_DIR``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import orjson

from carpal.document import Document
from carpal.packages.manifest import Manifest
from carpal.records.record import Record

DIALECT = "https://json-schema.org/draft/2020-12/schema"
DOCUMENTS: dict[str, type[Document]] = {"record.v1.schema.json": Record, "package.v1.schema.json": Manifest}


def schema_of(document: type[Document]) -> dict[str, Any]:
    """The schema of a document as carpal writes it, with the names that stand in the file."""
    return {"$schema": DIALECT, **document.model_json_schema(mode="serialization", by_alias=True)}


def render(document: type[Document]) -> bytes:
    """The file's content; the same for the same classes."""
    return orjson.dumps(schema_of(document), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def write_schemas(folder: Path) -> list[Path]:
    """Write one file a document and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, document in DOCUMENTS.items():
        (folder / name).write_bytes(render(document))
        written.append(folder / name)
    return written


if __name__ == "__main__":
    for path in write_schemas(Path(sys.argv[1])):
        sys.stdout.write(f"{path}\n")
