"""A trace is times, from a run or from text, and nothing else is taken for one."""

from __future__ import annotations

from pathlib import Path

import pytest

from carpal_loadtests.answers import Outcome
from carpal_loadtests.errors import TraceError
from carpal_loadtests.rows import Row, write_parquet
from carpal_loadtests.trace import read_trace


def test_text_is_sorted_and_begins_at_zero(tmp_path: Path) -> None:
    path = tmp_path / "trace.txt"
    path.write_text("7.5\n5.0\n6.0\n")
    assert read_trace(path).times.tolist() == [0, 1, 2.5]
    assert read_trace(path).span_s == 3.75


def test_the_rows_of_a_run_are_a_trace(tmp_path: Path) -> None:
    path = tmp_path / "requests.parquet"
    rows = [Row(index, index / 2, None, None, 0, "", Outcome.DROPPED, 0) for index in range(4)]
    with path.open("wb") as stream:
        write_parquet(rows, stream)
    assert read_trace(path).times.tolist() == [0, 0.5, 1.0, 1.5]


@pytest.mark.parametrize("text", ["one\ntwo\n", "1\n", "3\n3\n", "1 2\n3 4\n", "nan\n1\n", "inf\n1\n"])
def test_anything_else_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "trace.txt"
    path.write_text(text)
    with pytest.raises(TraceError):
        read_trace(path)


def test_a_trace_that_is_not_there_or_not_parquet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="is no trace"):
        read_trace(tmp_path / "none.txt")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(TraceError, match="is no trace"):
        read_trace(tmp_path / "broken.parquet")
