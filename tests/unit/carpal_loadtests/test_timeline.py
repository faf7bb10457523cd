"""Each second says what was asked for in it, how that ended, and what the target said meanwhile."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet

from carpal_loadtests.answers import Outcome
from carpal_loadtests.rows import Row
from carpal_loadtests.telemetry import Sample
from carpal_loadtests.timeline import timeline, write_timeline

ROWS = [
    Row(0, 0.1, 0.1, 0.2, 200, "", Outcome.ANSWERED, 1),
    Row(1, 0.5, 0.5, 2.4, 200, "", Outcome.ANSWERED, 1),
    Row(2, 1.0, 1.0, 1.1, 429, "service.full", Outcome.SHED, 1),
    Row(3, 1.5, 1.5, 2.0, 0, "transport.timeout", Outcome.TIMEOUT, 0),
    Row(4, 1.6, None, None, 0, "", Outcome.DROPPED, 0),
]


def sample(at_s: float, name: str, value: float, labels: str = "", source: str = "a") -> Sample:
    return Sample(1000 + at_s, source, name, labels, value)


def test_requests_are_counted_in_the_second_in_which_they_were_meant_to_be_sent() -> None:
    first, second, third = timeline(ROWS)
    assert (first["offered"], first["answered"], first["ended"], first["in_flight"]) == (2, 2, 1, 1)
    assert (second["offered"], second["shed"], second["failed"], second["dropped"]) == (3, 1, 1, 1)
    assert (third["offered"], third["ended"], third["in_flight"]) == (0, 1, 0)
    assert (first["p50_ms"], first["p99_ms"], second["p99_ms"]) == (100, 1900, None)


def test_gauges_are_joined_as_they_are_and_counters_as_what_they_gained() -> None:
    samples = [
        sample(0.3, "carpal_queue_depth", 4),
        sample(0.4, "carpal_queue_depth", 2, source="b"),
        sample(0.3, "carpal_requests_total", 10, 'code="200"'),
        sample(1.3, "carpal_requests_total", 25, 'code="200"'),
        sample(2.3, "carpal_requests_total", 3, 'code="200"'),
        sample(9.0, "carpal_queue_depth", 7),
    ]
    first, second, third = timeline(ROWS, samples, zero_unix_s=1000)
    assert first["carpal_queue_depth"] == 6
    assert first['carpal_requests_total{code="200"}'] is None
    assert second['carpal_requests_total{code="200"}'] == 15
    assert third['carpal_requests_total{code="200"}'] is None  # it was reset


def test_a_run_without_rows_has_no_seconds_and_still_a_file(tmp_path: Path) -> None:
    path = tmp_path / "timeline.parquet"
    for entries in (timeline([]), timeline(ROWS, [sample(2.1, "late", 1)], zero_unix_s=1000)):
        with path.open("wb") as stream:
            write_timeline(entries, stream)
        table = pyarrow.parquet.read_table(path)
        assert table.num_rows == len(entries)
    assert table.column("late").to_pylist() == [None, None, 1]
