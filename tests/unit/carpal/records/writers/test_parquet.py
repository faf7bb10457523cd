"""records.parquet, read back by pyarrow."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.unit.carpal.records.writers.table_samples import entry, record

from carpal.records.errors import OutputNotWritableError
from carpal.records.writers import parquet
from carpal.records.writers.parquet import ParquetTable, schema
from carpal.records.writers.table import COLUMNS, SCHEMA, rows
from carpal.records.writers.writer import Entry


def written(folder: Path, entries: list[Entry]) -> Path:
    table = ParquetTable(folder)
    table.open()
    for one in entries:
        table.add(one)
    table.close()
    return folder / "records.parquet"


@pytest.mark.parametrize("group", [1, 3, 4096])
def test_all_rows_come_back_equal_whatever_the_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: int):
    monkeypatch.setattr(parquet, "GROUP_ROWS", group)
    entries = [entry(), entry(kept=record(findings=())), entry("b.png")]
    found = pq.read_table(written(tmp_path, entries))
    names = [column.name for column in COLUMNS]
    assert found.schema.equals(schema(), check_metadata=True)
    assert found.to_pylist() == [dict(zip(names, row, strict=True)) for one in entries for row in rows(one)]
    assert list(tmp_path.iterdir()) == [tmp_path / "records.parquet"]


def test_a_run_without_records_gives_an_empty_table_with_its_version(tmp_path: Path):
    found = pq.read_table(written(tmp_path, []))
    assert (found.num_rows, found.schema.metadata[b"schema"].decode()) == (0, SCHEMA)


def test_rows_do_not_pile_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(parquet, "GROUP_ROWS", 10)
    table = ParquetTable(tmp_path)
    table.open()
    most = 0
    for _ in range(20):
        table.add(entry())
        most = max(most, len(table._rows))
    table.close()
    assert most < 10
    assert pq.ParquetFile(tmp_path / "records.parquet").metadata.num_row_groups > 5


def test_a_table_that_cannot_be_ended_leaves_nothing(tmp_path: Path):
    table = ParquetTable(tmp_path)
    table.open()
    table.add(entry())
    table._file._file.close()
    with pytest.raises((OutputNotWritableError, ValueError)):
        table.close()
    assert list(tmp_path.iterdir()) == []
