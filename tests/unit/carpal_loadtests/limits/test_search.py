"""The search finds a limit that is known, within its tolerance, and says where it could not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from carpal_loadtests.limits.search import Fate, search


def limit(at: float, *, invalid_from: float = float("inf")) -> Callable[[float], Fate]:
    """A service that holds up to a rate, seen by a generator that can do no more than another."""

    def trial(rate: float) -> Fate:
        if rate >= invalid_from:
            return "invalid"
        return "holds" if rate <= at else "fails"

    return trial


@pytest.mark.parametrize("true", [3.0, 47.0, 100.0, 977.0])
@pytest.mark.parametrize("tolerance", [0.02, 0.2])
def test_a_known_limit_is_found_within_the_tolerance(true: float, tolerance: float) -> None:
    found = search(limit(true), limit(true), start=40, most=10_000, tolerance=tolerance)
    assert found.confirmed
    assert found.rate is not None
    assert found.failed is not None
    assert true / (1 + tolerance) <= found.rate <= true < found.failed
    assert len(found.tried) < 20


def test_a_long_run_that_fails_is_backed_off_from() -> None:
    found = search(limit(100), limit(90), start=10, most=1000, tolerance=0.05)
    assert found.confirmed
    assert found.rate is not None
    assert 90 / 1.05 <= found.rate <= 90


def test_a_long_run_that_never_holds_leaves_nothing_confirmed() -> None:
    found = search(limit(100), limit(1), start=10, most=1000, tolerance=0.05)
    assert not found.confirmed
    assert "the long run failed 6 times" in (found.stopped_by or "")


def test_a_generator_that_is_the_limit_is_said_to_be() -> None:
    found = search(limit(1000, invalid_from=300), limit(1000), start=100, most=10_000, tolerance=0.05)
    assert found.rate is not None
    assert 300 / 1.05 <= found.rate < 300
    assert found.blind
    assert "the generator is the limit" in (found.stopped_by or "")


def test_a_limit_below_what_the_generator_can_do_is_found_though_it_tried_more() -> None:
    found = search(limit(130, invalid_from=150), limit(130), start=100, most=10_000, tolerance=0.05)
    assert found.rate is not None
    assert 130 / 1.05 <= found.rate <= 130
    assert not found.blind
    assert found.stopped_by is None


def test_a_generator_that_can_do_nothing_ends_the_search() -> None:
    found = search(limit(1000, invalid_from=0), limit(1000), start=64, most=100, tolerance=0.05)
    assert found.rate is None
    assert found.stopped_by == "no rate down to 1/s holds"


def test_the_highest_rate_that_may_be_tried_is_not_exceeded() -> None:
    found = search(limit(1000), limit(1000), start=40, most=100, tolerance=0.05)
    assert found.rate == 100
    assert max(rate for rate, _ in found.tried) == 100
    assert "may be tried" in (found.stopped_by or "")


def test_a_service_that_holds_nothing_ends_the_search() -> None:
    found = search(limit(0), limit(0), start=64, most=100, tolerance=0.05)
    assert found.rate is None
    assert found.stopped_by == "no rate down to 1/s holds"
