"""The result is whole, adds up, and is never overwritten."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from carpal_loadtests.answers import Outcome
from carpal_loadtests.errors import OutputTakenError
from carpal_loadtests.generator import Measurement
from carpal_loadtests.job import Plan, Summary
from carpal_loadtests.machine import fingerprint
from carpal_loadtests.report import lines
from carpal_loadtests.result import Result, conclude, refuse_taken, write_result
from carpal_loadtests.rows import Row
from carpal_loadtests.target import Target

TARGET = Target(url="http://127.0.0.1:1", model="known", metadata={"name": "known"})
SUMMARY = Summary(started="2026-11-23T00:00:00.000+00:00", elapsed_s=3.0, cpu_share=0.2, answerers=(), finished=True)


@pytest.fixture
def plan(scenario: Callable[..., Any]) -> Plan:
    """Ten a second for two seconds after one of warm-up."""
    return Plan(scenario(rate_per_s=10, duration_s=2, warmup_s=1, slos={"p99_ms": 100}), TARGET.url, "known", ())


def measured(plan: Plan, count: int = 30, **keys: Any) -> Measurement:
    """The first requests of a plan: slow in the warm-up, quick after it."""
    rows = [
        Row(index, at, at, at + (0.5 if at < 1 else 0.02), 200, "", Outcome.ANSWERED, 100)
        for index, at in enumerate(plan.times()[:count].tolist())
    ]
    return Measurement(**{"rows": rows, "summary": SUMMARY, "interrupted": False, **keys})


def test_the_warm_up_is_apart_from_the_measurement(plan: Plan) -> None:
    result = conclude(plan, TARGET, measured(plan), fingerprint())
    assert result.verdict.outcome == "pass"
    assert result.figures.counts.planned == 20
    assert result.figures.planned_rate_per_s == 10
    assert result.warmup is not None
    assert result.warmup.counts.planned == 10
    assert result.warmup.latency is not None
    assert result.warmup.latency.p50_ms == 500
    assert result.emulated is None


def test_an_interrupted_run_keeps_what_was_measured_and_is_invalid(plan: Plan) -> None:
    summary = SUMMARY.model_copy(update={"finished": False})
    result = conclude(plan, TARGET, measured(plan, 14, summary=summary, interrupted=True), fingerprint())
    assert result.verdict.outcome == "invalid"
    assert result.verdict.reasons[0] == "interrupted: 16 of 20 planned requests were not due yet"
    assert (result.figures.counts.answered, result.figures.counts.unsent) == (4, 16)


def test_a_run_without_a_last_word_is_invalid(plan: Plan) -> None:
    result = conclude(plan, TARGET, measured(plan, summary=None), fingerprint())
    assert result.verdict.outcome == "invalid"
    assert "ended before its last word" in result.verdict.reasons[0]


def test_the_written_result_reads_back_as_it_was_with_a_row_a_request(plan: Plan, tmp_path: Path) -> None:
    measurement = measured(plan)
    result = conclude(plan, TARGET, measurement, fingerprint())
    write_result(result, measurement.rows, tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["requests.csv", "result.json"]
    assert Result.parse_json((tmp_path / "result.json").read_bytes(), source="the test") == result
    with (tmp_path / "requests.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 30
    assert rows[0] == {
        "index": "0",
        "intended_s": "0.000000",
        "start_s": "0.000000",
        "end_s": "0.500000",
        "status": "200",
        "code": "",
        "outcome": "answered",
        "bytes": "100",
    }


def test_a_folder_with_a_result_is_refused(tmp_path: Path) -> None:
    refuse_taken(tmp_path / "new")
    (tmp_path / "result.json").write_text("{}")
    with pytest.raises(OutputTakenError, match="never overwritten"):
        refuse_taken(tmp_path)


def test_the_lines_for_a_terminal_say_counts_latency_and_reasons(plan: Plan) -> None:
    said = lines(conclude(plan, TARGET, measured(plan), fingerprint()))
    assert said[0] == "offered 20 of 20 planned: 20 answered, 0 shed, 0 failed, 0 dropped, 0 open"
    assert "p99 20.0 ms" in said[1]
    assert said[-3].startswith("pass: p99_ms")
