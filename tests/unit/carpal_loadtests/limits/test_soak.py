"""What grows is told from what does not; a leaking control is flagged and its twin that does not leak is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from carpal_loadtests.limits.soak import soak_checks, soaked
from carpal_loadtests.telemetry import LOCAL, MEMORY, Sample


def samples(name: str, per_s: float, *, noise: float = 0.0) -> list[Sample]:
    """Two minutes of a value that grows, with a saw's teeth on it."""
    return [Sample(1000.0 + at, LOCAL, name, "", 100 + per_s * at + noise * (at % 5)) for at in range(121)]


def test_files_that_grow_are_flagged_and_files_that_come_and_go_are_not(result_of: Callable[..., Any]) -> None:
    name = "process_open_fds"
    (grows,) = soak_checks(result_of(samples=samples(name, 0.1, noise=1), span_s=120, zero_unix_s=1000.0))
    (stays,) = soak_checks(result_of(samples=samples(name, 0.0, noise=3), span_s=120, zero_unix_s=1000.0))
    assert (grows.holds, stays.holds) == (False, True)
    assert grows.found == pytest.approx(360, rel=0.2)


def test_what_was_not_seen_is_not_judged(result_of: Callable[..., Any]) -> None:
    assert soak_checks(result_of()) == ()


@pytest.mark.parametrize(("mib_per_h", "outcome"), [(500, "fail"), (0, "pass")])
def test_a_leaking_control_is_flagged_and_its_twin_is_not(
    scenario: Callable[..., Any], result_of: Callable[..., Any], mib_per_h: float, outcome: str
) -> None:
    wanted = soaked(scenario(), rate_per_s=10, duration_s=120, memory_mib_per_h=20)
    assert (wanted.arrivals.kind, wanted.slos.memory_mib_per_h) == ("soak", 20)
    grown = samples(MEMORY, mib_per_h * 2**20 / 3600, noise=1000)
    result = result_of(samples=grown, span_s=120, zero_unix_s=1000.0, slos={"memory_mib_per_h": 20})
    assert result.verdict.outcome == outcome
    (memory,) = (check for check in result.verdict.service_levels if check.name == "memory_mib_per_h")
    assert memory.found == pytest.approx(mib_per_h, abs=1)
