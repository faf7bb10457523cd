"""CSV: the table as text, by RFC 4180: commas, quotes where needed, CRLF, UTF-8, a header line, nothing for null."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from carpal.records.growing import Growing
from carpal.records.writers.table import COLUMNS, Value, rows
from carpal.records.writers.writer import Entry


class CsvTable(Growing):
    """Writes records.csv."""

    def __init__(self, out: Path) -> None:
        super().__init__(out / "records.csv")

    def open(self) -> IO[bytes]:
        """Begin with the names of the columns."""
        file = super().open()
        self.append(csv_text([[column.name for column in COLUMNS]]))
        return file

    def add(self, entry: Entry) -> None:
        """The rows of one image."""
        self.append(csv_text(rows(entry)))


def csv_text(lines: Iterable[Iterable[Value]]) -> bytes:
    """Lines of CSV; a real number with all the digits that it takes to read it back equal."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([_cell(value) for value in line] for line in lines)
    return buffer.getvalue().encode()


def _cell(value: Value) -> Value:
    return str(value).lower() if isinstance(value, bool) else value
