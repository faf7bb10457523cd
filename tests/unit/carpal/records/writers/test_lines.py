"""records.jsonl."""

from __future__ import annotations

from pathlib import Path

from tests.unit.carpal.records.writers.table_samples import entry, record

from carpal.records.jsonl import read_lines
from carpal.records.record import Record
from carpal.records.writers.lines import RecordLines


def test_records_come_back_equal(tmp_path: Path):
    with RecordLines(tmp_path) as lines:
        lines.add(entry())
        lines.add(entry(kept=record(findings=())))
    found = [Record.parse(data, source="test") for data in read_lines(tmp_path / "records.jsonl")]
    assert found == [record(), record(findings=())]
