"""records.csv, read back by Python's own reader."""

from __future__ import annotations

import csv
from pathlib import Path

from tests.unit.carpal.records.writers.table_samples import entry, record

from carpal.records.writers.csv_table import CsvTable, csv_text
from carpal.records.writers.table import COLUMNS, Type, rows

KINDS = {Type.TEXT: str, Type.WHOLE: int, Type.REAL: float, Type.FLAG: "true".__eq__}


def test_all_rows_come_back_equal(tmp_path: Path):
    entries = [entry('a "quoted",\npath.png'), entry(kept=record(findings=()))]
    with CsvTable(tmp_path) as table:
        for one in entries:
            table.add(one)
    with (tmp_path / "records.csv").open(encoding="utf-8", newline="") as file:
        header, *lines = csv.reader(file)
    assert header == [column.name for column in COLUMNS]
    read = [
        tuple(KINDS[column.type](cell) if cell else None for column, cell in zip(COLUMNS, line, strict=True))
        for line in lines
    ]
    assert read == [tuple(None if cell == "" else cell for cell in row) for one in entries for row in rows(one)]


def test_numbers_keep_all_their_digits_and_flags_are_words():
    assert csv_text([[0.1 + 0.2, 1e-9, 3, True, False, None, "a,b"]]) == (
        b'0.30000000000000004,1e-09,3,true,false,,"a,b"\r\n'
    )
