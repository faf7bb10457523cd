"""Pass, fail, invalid: each for its own reason."""

from __future__ import annotations

import pytest

from carpal_loadtests.answers import Outcome
from carpal_loadtests.figures import Figures
from carpal_loadtests.rows import Row
from carpal_loadtests.scenario import Slos, Validity
from carpal_loadtests.verdict import Verdict, decide

SPAN_S = 10.0


def rows_of(
    answered: int, late: int = 0, *, shed: int = 0, dropped: int = 0, failed: int = 0, lag_s: float = 0.0
) -> list[Row]:
    """Requests at equal gaps: answered in 10 ms, late ones in 300 ms, and what did not end well."""
    kinds = (
        [(Outcome.ANSWERED, 0.3)] * late
        + [(Outcome.ANSWERED, 0.01)] * (answered - late)
        + [(Outcome.SHED, 0.001)] * shed
        + [(Outcome.DROPPED, 0.0)] * dropped
        + [(Outcome.BROKEN, 0.001)] * failed
    )
    rows = []
    for index, (outcome, wait_s) in enumerate(kinds):
        at = index * SPAN_S / len(kinds)
        sent = outcome is not Outcome.DROPPED
        rows.append(
            Row(index, at, at + lag_s if sent else None, at + lag_s + wait_s if sent else None, 0, "", outcome, 0)
        )
    return rows


def judge(rows: list[Row], slos: Slos, *, cpu: float | None = 0.1, planned: int = 0, cut_short: str = "") -> Verdict:
    """Decide on rows of a plan under the default validity conditions."""
    figures = Figures.of(rows, planned=planned or len(rows), from_s=0.0, span_s=SPAN_S)
    return decide(slos, Validity(), rows=rows, figures=figures, cpu_share=cpu, cut_short=cut_short or None)


def test_enough_requests_in_time_prove_the_p99() -> None:
    verdict = judge(rows_of(459), Slos(p99_ms=100, confidence=0.99))
    assert verdict.outcome == "pass"
    assert verdict.exit_code == 0
    assert verdict.service_levels[0].basis == "proved"
    assert "proved at a confidence of 0.99" in verdict.reasons[0]


def test_too_few_requests_fail_and_say_how_many_more_are_needed() -> None:
    verdict = judge(rows_of(400), Slos(p99_ms=100, confidence=0.99))
    assert verdict.outcome == "fail"
    assert verdict.exit_code == 1
    assert "59 more requests in time are needed" in verdict.reasons[0]


def test_one_late_request_raises_the_number_that_is_needed() -> None:
    verdict = judge(rows_of(459, late=1), Slos(p99_ms=100, confidence=0.99))
    assert verdict.outcome == "fail"
    assert "1 of 459 late" in verdict.reasons[0]
    assert "203 more requests" in verdict.reasons[0]  # 662 - 459


def test_without_a_confidence_the_measured_percentile_is_compared_and_said_to_be_empirical() -> None:
    verdict = judge(rows_of(100, late=5), Slos(p95_ms=100))
    assert verdict.outcome == "pass"
    assert verdict.service_levels[0].basis == "empirical"
    assert "empirical" in verdict.reasons[0]
    assert judge(rows_of(100, late=6), Slos(p95_ms=100)).outcome == "fail"


def test_an_exceeded_limit_is_said_with_its_value() -> None:
    verdict = judge(rows_of(10, late=10), Slos(p50_ms=100))
    assert verdict.service_levels[0].found == pytest.approx(300)
    assert verdict.reasons == ("p50_ms: 300.0 ms where 100 ms is allowed (10 of 10 late)",)


def test_failed_and_dropped_requests_are_late_whatever_the_limit() -> None:
    verdict = judge(rows_of(90, failed=5, dropped=5), Slos(p95_ms=9000, error_share=0.5))
    assert verdict.outcome == "fail"
    assert verdict.service_levels[0].found is None
    assert "no answer where 9000 ms is allowed (10 of 100 late)" in verdict.reasons[0]


def test_errors_count_failed_and_dropped_requests_and_name_them() -> None:
    verdict = judge(rows_of(96, failed=3, dropped=1), Slos(p50_ms=100, error_share=0.03))
    assert verdict.outcome == "fail"
    assert verdict.reasons == ("error_share: 4 of 100 (4.00%) where 3.00% is allowed: 3 broken, 1 dropped",)


def test_refusals_in_good_order_are_no_errors_and_not_late() -> None:
    rows = rows_of(50, shed=50)
    assert judge(rows, Slos(p99_ms=100, shed_share=0.5)).outcome == "pass"
    verdict = judge(rows, Slos(p99_ms=100))
    assert verdict.outcome == "fail"
    assert verdict.reasons == ("shed_share: 50 of 100 (50.00%) where 0.00% is allowed",)


def test_a_service_that_sheds_everything_does_not_keep_a_latency() -> None:
    assert judge(rows_of(0, shed=10), Slos(p50_ms=100, shed_share=1.0)).outcome == "fail"


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
    rows: list[Row], cpu: float | None, planned: int, reason: str
) -> None:
    verdict = judge(rows, Slos(p50_ms=1), cpu=cpu, planned=planned)
    assert verdict.outcome == "invalid"
    assert verdict.exit_code == 3
    assert len(verdict.reasons) == 1
    assert verdict.reasons[0].startswith(reason)


def test_a_run_that_was_cut_short_is_invalid_and_still_shows_its_checks() -> None:
    verdict = judge(rows_of(100), Slos(p50_ms=100), cut_short="interrupted")
    assert verdict.outcome == "invalid"
    assert verdict.reasons == ("interrupted",)
    assert verdict.service_levels[0].holds


def test_nothing_measured_is_invalid_and_no_pass() -> None:
    assert judge([], Slos(), planned=10).outcome == "invalid"
