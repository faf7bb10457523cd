"""records.jsonl: one record a line, complete."""

from __future__ import annotations

from pathlib import Path

from carpal.records.jsonl import JsonLines
from carpal.records.writers.writer import Entry


class RecordLines(JsonLines):
    """The records as they are."""

    def __init__(self, out: Path) -> None:
        super().__init__(out / "records.jsonl")

    def add(self, entry: Entry) -> None:
        """One line."""
        self.write(entry.record)
