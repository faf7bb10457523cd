"""Whether two conversions of the same files say the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from carpal.records.jsonl import read_lines
from demo.errors import StageFailedError


def agree(first: Path, second: Path) -> int:
    """Compare records by source digest: findings, conclusions and ids; timings may differ.

    Args:
        first: a folder with records.jsonl.
        second: another one.

    Returns:
        how many records were compared.

    Raises:
        StageFailedError: a record is missing or differs, or there is none at all.
    """
    here, there = _said(first), _said(second)
    different = sorted(digest for digest in here.keys() | there.keys() if here.get(digest) != there.get(digest))
    if different or not here:
        names = (
            ", ".join(str((here.get(digest) or there[digest])["name"]) for digest in different) or "no record at all"
        )
        raise StageFailedError(
            f"the findings differ between {first} and {second}: {names}",
            "The same model must say the same of the same bytes, wherever it runs.",
            "Compare the records.jsonl of the two folders, and report what you see: it is a defect.",
        )
    return len(here)


def _said(folder: Path) -> dict[str, dict[str, Any]]:
    """By source digest: what must not depend on where the record was made."""
    return {
        line["source"]["digest"]: {
            "name": line["source"]["name"],
            **{key: line[key] for key in ("id", "findings", "conclusions", "quality", "preprocessing_digest")},
        }
        for line in read_lines(folder / "records.jsonl")
    }
