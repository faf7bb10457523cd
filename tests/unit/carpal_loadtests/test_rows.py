"""Rows keep what was measured, and say it in three ways."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet
import pytest

from carpal_loadtests.answers import Outcome
from carpal_loadtests.rows import COLUMNS, Row, RowWriter, read_lines, read_rows, write_parquet

ROWS = [
    Row(0, 0.0, 0.001, 0.0105, 200, "", Outcome.ANSWERED, 812),
    Row(1, 0.02, None, None, 0, "", Outcome.DROPPED, 0, payload=2, attempts=0, worker=1),
    Row(2, 0.04, 0.0401, None, 0, "", Outcome.OPEN, 0),
    Row(3, 0.06, 0.061, 0.07, 429, 'a "code", with a comma', Outcome.SHED, 40),
]


def test_rows_come_back_as_they_were_written_in_order_of_their_index(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    with path.open("w", newline="") as stream:
        RowWriter(stream).write(reversed(ROWS))
    assert read_lines([path]) == ROWS
    assert path.read_text().splitlines()[0] == ",".join(COLUMNS)


def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    with path.open("w", newline="") as stream:
        RowWriter(stream).write(ROWS[:3])
    whole = path.read_text()
    path.write_text(whole[:-4])
    assert read_lines([path]) == ROWS[:2]


def test_the_rows_of_all_workers_are_read_together_in_order(tmp_path: Path) -> None:
    paths = [tmp_path / "rows-000.csv", tmp_path / "rows-001.csv"]
    for path, rows in zip(paths, (ROWS[::2], ROWS[1::2]), strict=True):
        with path.open("w", newline="") as stream:
            RowWriter(stream).write(rows)
    assert read_lines(paths) == ROWS


@pytest.mark.parametrize("rows", [ROWS, []], ids=["rows", "none"])
def test_parquet_gives_rows_back_as_they_were(tmp_path: Path, rows: list[Row]) -> None:
    path = tmp_path / "requests.parquet"
    with path.open("wb") as stream:
        write_parquet(rows, stream)
    assert read_rows(path) == rows
    table = pyarrow.parquet.read_table(path)
    assert tuple(table.column_names) == COLUMNS
    assert str(table.schema.field("end_s").type) == "double"


def test_latency_counts_from_the_intended_send_time_and_service_time_from_the_true_one() -> None:
    late = Row(7, 1.0, 1.8, 2.0, 200, "", Outcome.ANSWERED, 1)
    assert late.latency_s == pytest.approx(1.0)
    assert late.service_s == pytest.approx(0.2)
    assert late.lag_s == pytest.approx(0.8)


def test_a_dropped_request_has_no_latency() -> None:
    assert (ROWS[1].latency_s, ROWS[1].service_s, ROWS[1].lag_s) == (None, None, None)
