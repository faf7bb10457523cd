"""The result is whole, adds up, and is never overwritten."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from carpal_loadtests.conservation import OnTheWay
from carpal_loadtests.errors import NoResultError, OutputTakenError
from carpal_loadtests.job import Summary
from carpal_loadtests.plan import Plan
from carpal_loadtests.report import lines
from carpal_loadtests.result import Result, read_result, refuse_taken, without_warmup, write_result
from carpal_loadtests.rows import read_rows
from carpal_loadtests.telemetry import MEMORY, Sample, read_samples

Make = Callable[..., Any]


def test_the_warm_up_is_apart_from_the_measurement(result_of: Make) -> None:
    result = result_of()
    assert result.verdict.outcome == "pass"
    assert result.figures.counts.planned == 20
    assert result.figures.planned_rate_per_s == 10
    assert result.warmup is not None
    assert result.warmup.counts.planned == 10
    assert result.warmup.latency.p50_ms == 500
    assert result.emulated is None
    assert result.payloads.media_types == {"image/png": 1}


def test_an_interrupted_run_keeps_what_was_measured_and_is_invalid(result_of: Make) -> None:
    result = result_of(count=14, interrupted=True)
    assert result.verdict.outcome == "invalid"
    assert result.verdict.reasons[0] == "interrupted: 16 of 20 planned requests were not due yet"
    assert (result.figures.counts.answered, result.figures.counts.unsent) == (4, 16)


def test_a_run_without_a_last_word_is_invalid(result_of: Make) -> None:
    result = result_of(summary=None)
    assert result.verdict.outcome == "invalid"
    assert "ended before its last word" in result.verdict.reasons[0]


def test_a_run_that_the_disk_stopped_is_invalid_and_says_so(result_of: Make, summary: Summary) -> None:
    full = summary.model_copy(update={"finished": False, "stopped_by": "rows could not be written: No space left"})
    result = result_of(count=14, summary=full)
    assert result.verdict.outcome == "invalid"
    assert result.verdict.reasons[0].startswith("rows could not be written: No space left: the run was stopped")


def test_counts_that_the_rows_do_not_bear_out_make_a_run_invalid(result_of: Make) -> None:
    quiet = result_of(seen=[OnTheWay(0, 1.51, 0), OnTheWay(0, 2.01, 1)])
    assert quiet.verdict.outcome == "pass"
    assert quiet.littles_law.holds
    lost = result_of(seen=[OnTheWay(0, 1.5, 9), OnTheWay(0, 2.0, 9)])
    assert lost.verdict.outcome == "invalid"
    assert "littles_law: 9.00 requests were on the way" in lost.verdict.reasons[0]


def test_arrivals_that_change_are_told_piece_by_piece(result_of: Make) -> None:
    arrivals = {"kind": "step", "from_per_s": 5, "to_per_s": 10, "steps": 2, "step_s": 1, "spacing": "even"}
    result = result_of(arrivals=arrivals, count=20)
    assert [(part.from_s, part.from_per_s, part.figures.counts.planned) for part in result.parts] == [
        (1, 5, 5),
        (2, 10, 10),
    ]
    assert sum(part.figures.counts.answered for part in result.parts) == result.figures.counts.answered


def test_memory_is_judged_over_the_second_half_alone(result_of: Make) -> None:
    grows = [Sample(1000.0 + at / 10, "local process", MEMORY, "", 1e6 * min(at, 20)) for at in range(60)]
    result = result_of(samples=grows, span_s=5, zero_unix_s=1000.0)
    assert result.watched.sources == ("local process",)
    assert result.watched.samples == 60
    assert MEMORY not in result.watched.slopes  # three seconds are too few
    long = [Sample(1000.0 + at, "local process", MEMORY, "", 1e6 * min(at, 45)) for at in range(90)]
    result = result_of(samples=long, span_s=88, zero_unix_s=1000.0)
    assert result.watched.slopes[MEMORY].per_s == 0


def test_the_written_result_reads_back_as_it_was_with_a_row_a_request(
    result_of: Make, measured: Make, plan: Plan, tmp_path: Path
) -> None:
    measurement, result = measured(plan), result_of()
    samples = [Sample(2.0, "a", "n", "", 1.0)]
    write_result(result, measurement.rows, tmp_path, samples=samples, zero_unix_s=1.0)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "requests.parquet",
        "result.json",
        "server.parquet",
        "timeline.parquet",
    ]
    assert Result.parse_json((tmp_path / "result.json").read_bytes(), source="the test") == result
    assert read_rows(tmp_path / "requests.parquet") == measurement.rows
    assert read_samples(tmp_path / "server.parquet")[0].at_s == 1.0
    again, rows = read_result(tmp_path)
    assert again == result
    assert rows == measurement.rows
    assert [row.index for row in without_warmup(again, rows)] == list(range(10, 30))


def test_a_folder_with_a_result_is_refused(tmp_path: Path) -> None:
    refuse_taken(tmp_path / "new")
    (tmp_path / "result.json").write_text("{}")
    with pytest.raises(OutputTakenError, match="never overwritten"):
        refuse_taken(tmp_path)


def test_a_folder_without_a_whole_result_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(NoResultError, match="holds no result"):
        read_result(tmp_path)
    (tmp_path / "result.json").write_text("{}")
    with pytest.raises(NoResultError):
        read_result(tmp_path)


def test_the_lines_for_a_terminal_say_counts_latency_and_reasons(result_of: Make) -> None:
    said = lines(result_of())
    assert said[0] == "offered 20 of 20 planned: 20 answered, 0 shed, 0 failed, 0 dropped, 0 open"
    assert "p99 20.0 ms" in said[1]
    assert said[-3].startswith("pass: p99_ms")
