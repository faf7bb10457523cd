"""Pass, fail, invalid: each for its own reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from carpal_loadtests.answers import Outcome
from carpal_loadtests.figures import Figures
from carpal_loadtests.rows import Row
from carpal_loadtests.verdict import Verdict, decide

STRICT: dict[str, Any] = {}  # the default validity conditions
Judge = Callable[..., Verdict]


def rows_of(
    count: int, *, span_s: float = 10.0, wait_s: float = 0.01, lag_s: float = 0.0, growth: float = 0
) -> list[Row]:
    """Answered requests at equal gaps; ``growth`` is how much longer the last one took than the first."""
    rows = []
    for index in range(count):
        at = index * span_s / count
        took_s = 0.01 * (1 + growth * index / count) * (1 + 0.1 * (index % 7))
        rows.append(Row(index, at, at + lag_s, at + lag_s + took_s, 200, "", Outcome.ANSWERED, 1))
    return rows


@pytest.fixture
def judge(scenario: Callable[..., Any]) -> Judge:
    """Judges rows of a plan under the default validity conditions."""

    def run(
        rows: list[Row],
        slos: dict[str, Any],
        *,
        cpu: float | None = 0.1,
        pause_p99_ms: float | None = 0.1,
        planned: int = 0,
        cut_short: str = "",
        span_s: float = 10.0,
        validity: dict[str, Any] = STRICT,
    ) -> Verdict:
        figures = Figures.of(rows, planned=planned or len(rows), from_s=0.0, span_s=span_s)
        wanted = scenario(slos=slos, validity=validity, duration_s=span_s)
        return decide(
            wanted,
            rows=rows,
            figures=figures,
            cpu_share=cpu,
            pause_p99_ms=pause_p99_ms,
            cut_short=cut_short or None,
        )

    return run


def test_what_holds_passes_and_says_why(judge: Judge) -> None:
    verdict = judge(rows_of(459), {"p99_ms": 100, "confidence": 0.99})
    assert (verdict.outcome, verdict.exit_code) == ("pass", 0)
    assert "proved at a confidence of 0.99" in verdict.reasons[0]


def test_a_generator_that_paused_where_no_request_was_due_is_invalid(judge: Judge) -> None:
    """Its sends were in time, and what came back lay in the kernel."""
    verdict = judge(rows_of(459), {"p99_ms": 100}, pause_p99_ms=51.0)
    assert (verdict.outcome, verdict.exit_code) == ("invalid", 3)
    assert "lag_p99_ms: 51 ms" in verdict.reasons[0]
    assert judge(rows_of(459), {"p99_ms": 100}, pause_p99_ms=None).outcome == "pass"


def test_what_is_not_proved_fails(judge: Judge) -> None:
    verdict = judge(rows_of(400), {"p99_ms": 100, "confidence": 0.99})
    assert (verdict.outcome, verdict.exit_code) == ("fail", 1)
    assert verdict.reasons == (verdict.service_levels[0].reason,)
    assert "not proved: 59 more requests" in verdict.reasons[0]


@pytest.mark.parametrize(
    ("rows", "cpu", "planned", "reason"),
    [
        (rows_of(100, lag_s=0.051), 0.1, 100, "lag_p99_ms: 51 ms"),
        (rows_of(100), 0.91, 100, "generator_cpu: 0.91 of one core"),
        (rows_of(100), None, 100, "generator_cpu: an unknown number"),
        (rows_of(998), 0.1, 1000, "offered_share: 0.998 of the planned rate"),
    ],
)
def test_a_measurement_that_cannot_be_trusted_is_invalid(
    judge: Judge, rows: list[Row], cpu: float | None, planned: int, reason: str
) -> None:
    verdict = judge(rows, {"p50_ms": 1}, cpu=cpu, planned=planned)
    assert (verdict.outcome, verdict.exit_code) == ("invalid", 3)
    assert len(verdict.reasons) == 1
    assert verdict.reasons[0].startswith(reason)


@pytest.mark.parametrize("code", ["transport.generator-emfile", "transport.generator-eaddrnotavail"])
def test_a_request_that_this_machine_could_not_send_is_no_failure_of_the_target(judge: Judge, code: str) -> None:
    unsent = [Row(100 + place, 9.0, 9.0, 9.001, 0, code, Outcome.BROKEN, 0) for place in range(3)]
    verdict = judge([*rows_of(100), *unsent], {"error_share": 0.5}, planned=103)
    assert (verdict.outcome, verdict.exit_code) == ("invalid", 3)
    assert verdict.reasons[0].startswith("generator_limits: 3 requests")
    refused = [Row(100, 9.0, 9.0, 9.001, 0, "transport.ConnectionRefusedError", Outcome.BROKEN, 0)]
    assert judge([*rows_of(100), *refused], {"error_share": 0.5}, planned=101).outcome == "pass"


def test_a_run_that_was_cut_short_is_invalid_and_still_shows_its_checks(judge: Judge) -> None:
    verdict = judge(rows_of(100), {"p50_ms": 100}, cut_short="interrupted")
    assert verdict.outcome == "invalid"
    assert verdict.reasons == ("interrupted",)
    assert verdict.service_levels[0].holds


def test_nothing_measured_is_invalid_and_no_pass(judge: Judge) -> None:
    assert judge([], {}, planned=10).outcome == "invalid"


def test_a_pass_whose_latency_climbs_all_the_time_is_invalid(judge: Judge) -> None:
    climbing = rows_of(600, span_s=60, growth=4)
    verdict = judge(climbing, {"p50_ms": 1000}, span_s=60)
    assert verdict.outcome == "invalid"
    assert verdict.reasons[0].startswith("drift_share: the latency changed by")
    assert judge(climbing, {"p50_ms": 1000}, span_s=60, validity={"drift_share": None}).outcome == "pass"


def test_a_climb_that_breaks_the_service_level_is_a_fail(judge: Judge) -> None:
    assert judge(rows_of(600, span_s=60, growth=4), {"p50_ms": 20}, span_s=60).outcome == "fail"


def test_a_latency_that_only_scatters_is_steady(judge: Judge) -> None:
    verdict = judge(rows_of(600, span_s=60), {"p50_ms": 1000}, span_s=60)
    assert verdict.outcome == "pass"
    assert verdict.validity[-1].name == "drift_share"


def test_short_runs_are_not_judged_for_drift(judge: Judge) -> None:
    verdict = judge(rows_of(600, growth=4), {"p50_ms": 1000})
    assert verdict.outcome == "pass"
    assert "drift_share" not in {check.name for check in verdict.validity}
