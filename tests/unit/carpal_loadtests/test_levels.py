"""Each objective against the rows: percentiles proved or compared, shares, goodput, recovery, memory."""

from __future__ import annotations

import pytest

from carpal_loadtests.answers import Outcome
from carpal_loadtests.check import Check
from carpal_loadtests.figures import Figures
from carpal_loadtests.levels import MIB_PER_H, recovery_s, service_levels
from carpal_loadtests.rows import Row
from carpal_loadtests.slos import Slos
from carpal_loadtests.trend import Slope

SPAN_S = 10.0


def rows_of(
    answered: int, late: int = 0, *, shed: int = 0, dropped: int = 0, failed: int = 0, refused: int = 0
) -> list[Row]:
    """Requests at equal gaps: answered in 10 ms, late ones in 300 ms, and what did not end well."""
    kinds = (
        [(Outcome.ANSWERED, 0.3)] * late
        + [(Outcome.ANSWERED, 0.01)] * (answered - late)
        + [(Outcome.REFUSED, 0.001)] * refused
        + [(Outcome.SHED, 0.001)] * shed
        + [(Outcome.DROPPED, 0.0)] * dropped
        + [(Outcome.BROKEN, 0.001)] * failed
    )
    rows = []
    for index, (outcome, wait_s) in enumerate(kinds):
        at = index * SPAN_S / len(kinds)
        sent = outcome is not Outcome.DROPPED
        rows.append(Row(index, at, at if sent else None, at + wait_s if sent else None, 0, "", outcome, 0))
    return rows


def check(rows: list[Row], name: str, slos: Slos, *, memory: Slope | None = None, peak_end_s: float = 0) -> Check:
    """The check of that name."""
    figures = Figures.of(rows, planned=len(rows), from_s=0.0, span_s=SPAN_S)
    checks = service_levels(slos, rows=rows, figures=figures, peak_end_s=peak_end_s, memory=memory)
    (found,) = (one for one in checks if one.name == name)
    return found


def growing(mib_per_h: float, spread: float) -> Slope:
    low, middle, high = ((mib_per_h + side * spread) / MIB_PER_H for side in (-1, 0, 1))
    return Slope(per_s=middle, low_per_s=low, high_per_s=high, confidence=0.95, p_value=0.001, windows=20)


def test_enough_requests_in_time_prove_the_p99() -> None:
    found = check(rows_of(459), "p99_ms", Slos(p99_ms=100, confidence=0.99))
    assert (found.holds, found.basis) == (True, "proved")
    assert "proved at a confidence of 0.99" in found.reason


def test_too_few_requests_do_not_hold_and_say_how_many_more_are_needed() -> None:
    found = check(rows_of(400), "p99_ms", Slos(p99_ms=100, confidence=0.99))
    assert not found.holds
    assert "not proved: 59 more requests in time are needed" in found.reason


def test_one_late_request_raises_the_number_that_is_needed() -> None:
    found = check(rows_of(459, late=1), "p99_ms", Slos(p99_ms=100, confidence=0.99))
    assert "1 of 459 late" in found.reason
    assert "203 more requests" in found.reason  # 662 - 459


def test_without_a_confidence_the_measured_percentile_is_compared_and_said_to_be_empirical() -> None:
    found = check(rows_of(100, late=5), "p95_ms", Slos(p95_ms=100))
    assert (found.holds, found.basis) == (True, "empirical")
    assert "empirical" in found.reason
    assert not check(rows_of(100, late=6), "p95_ms", Slos(p95_ms=100)).holds


def test_the_p999_needs_one_in_a_thousand() -> None:
    assert check(rows_of(1000, late=1), "p999_ms", Slos(p999_ms=100)).holds
    assert not check(rows_of(1000, late=2), "p999_ms", Slos(p999_ms=100)).holds


def test_an_exceeded_limit_is_said_with_its_value() -> None:
    found = check(rows_of(10, late=10), "p50_ms", Slos(p50_ms=100))
    assert found.found == pytest.approx(300)
    assert found.reason == "p50_ms: 300.0 ms where 100 ms is allowed (10 of 10 late)"


def test_failed_and_dropped_requests_are_late_whatever_the_limit() -> None:
    found = check(rows_of(90, failed=5, dropped=5), "p95_ms", Slos(p95_ms=9000, error_share=0.5))
    assert not found.holds
    assert found.found is None
    assert "no answer where 9000 ms is allowed (10 of 100 late)" in found.reason


def test_errors_count_failed_and_dropped_requests_and_name_them() -> None:
    found = check(rows_of(96, failed=3, dropped=1), "error_share", Slos(error_share=0.03))
    assert found.reason == "error_share: 4 of 100 (4.00%) where 3.00% is allowed: 3 broken, 1 dropped"


def test_refusals_in_good_order_are_no_errors_and_not_late() -> None:
    rows = rows_of(50, shed=50)
    assert check(rows, "p99_ms", Slos(p99_ms=100)).holds
    assert check(rows, "error_share", Slos()).holds
    assert check(rows, "shed_share", Slos()).reason == "shed_share: 50 of 100 (50.00%) where 0.00% is allowed"


def test_bad_inputs_that_were_refused_are_neither_errors_nor_late_nor_quick() -> None:
    rows = rows_of(10, late=10, refused=990)
    assert check(rows, "error_share", Slos()).holds
    assert not check(rows, "p50_ms", Slos(p50_ms=100)).holds


def test_a_service_that_sheds_everything_does_not_keep_a_latency() -> None:
    assert not check(rows_of(0, shed=10), "p50_ms", Slos(p50_ms=100)).holds


def test_goodput_counts_answers_in_time_only() -> None:
    rows = rows_of(80, late=30, failed=20)
    found = check(rows, "goodput_per_s", Slos(goodput_ms=100, goodput_per_s=6))
    assert (found.found, found.holds) == (5.0, False)
    assert check(rows, "goodput_per_s", Slos(goodput_ms=500, goodput_per_s=8)).holds
    assert check(rows, "goodput_share", Slos(goodput_ms=100, goodput_share=0.5)).holds
    assert not check(rows, "goodput_share", Slos(goodput_ms=100, goodput_share=0.51)).holds


def test_recovery_is_the_time_until_no_second_is_bad_any_more() -> None:
    rows = [
        Row(k, k / 10, k / 10, k / 10 + (1.0 if 50 <= k < 72 else 0.01), 200, "", Outcome.ANSWERED, 1)
        for k in range(100)
    ]
    # The peak ends at 5 s; seconds 5 and 6 are bad as a whole, second 7 for two of ten requests.
    assert recovery_s(rows, peak_end_s=5, within_ms=100) == 3
    slos = Slos(goodput_ms=100, recovery_s=3)
    assert check(rows, "recovery_s", slos, peak_end_s=5).holds
    tight = check(rows, "recovery_s", Slos(goodput_ms=100, recovery_s=2), peak_end_s=5)
    assert tight.reason == "recovery_s: 3 s after the peak, 2 s are allowed"
    never = check(rows[:72], "recovery_s", Slos(goodput_ms=100, recovery_s=60), peak_end_s=5)
    assert not never.holds
    assert never.found is None
    assert "not within the 2 s that followed" in never.reason


def test_memory_that_is_proved_not_to_grow_passes_and_neither_growth_nor_doubt_does() -> None:
    rows, slos = rows_of(10), Slos(memory_mib_per_h=10)
    assert check(rows, "memory_mib_per_h", slos, memory=growing(2, 5)).holds
    grows = check(rows, "memory_mib_per_h", slos, memory=growing(50, 5))
    assert (grows.holds, round(grows.found or 0)) == (False, 50)
    assert "where 10 is allowed" in grows.reason
    doubt = check(rows, "memory_mib_per_h", slos, memory=growing(2, 50))
    assert not doubt.holds
    assert "not proved" in doubt.reason
    unseen = check(rows, "memory_mib_per_h", slos)
    assert not unseen.holds
    assert "was not seen" in unseen.reason
