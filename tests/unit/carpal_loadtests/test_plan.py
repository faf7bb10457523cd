"""A plan is the same for the same scenario, and dealt out it is still the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from carpal_loadtests.errors import ScenarioError
from carpal_loadtests.plan import make_plan


def test_the_same_scenario_gives_the_same_requests(scenario: Callable[..., Any], tmp_path: Path) -> None:
    chosen = scenario(kind="poisson", bad_share=0.5, seed=3)
    one, other = (make_plan(chosen, tmp_path) for _ in range(2))
    assert list(one.calls()) == list(other.calls())
    assert {one.payloads[call.payload].bad for call in one.calls()} == {True, False}


def test_workers_send_all_of_it_and_nothing_twice(scenario: Callable[..., Any], tmp_path: Path) -> None:
    plan = make_plan(scenario(rate_per_s=50), tmp_path)
    parts = [call for worker in range(3) for call in plan.calls(worker, 3)]
    assert sorted(parts, key=lambda call: call.index) == list(plan.calls())
    assert len(parts) == 50


def test_a_bad_share_is_kept(scenario: Callable[..., Any], tmp_path: Path) -> None:
    plan = make_plan(scenario(rate_per_s=1000, duration_s=4, bad_share=0.25), tmp_path)
    bad = np.array([payload.bad for payload in plan.payloads])[plan.chosen]
    assert abs(bad.mean() - 0.25) < 4 * (0.25 * 0.75 / 4000) ** 0.5


@pytest.mark.parametrize(
    "arrivals",
    [
        {"kind": "stages", "stages": [{"rate_per_s": 0, "duration_s": 2}]},
        {"kind": "ramp", "from_per_s": 0, "to_per_s": 0, "duration_s": 2},
        {"kind": "poisson", "rate_per_s": 0.001, "duration_s": 2},
    ],
)
def test_a_scenario_that_sends_nothing_is_refused(
    scenario: Callable[..., Any], tmp_path: Path, arrivals: dict[str, Any]
) -> None:
    with pytest.raises(ScenarioError, match="sends no request"):
        make_plan(scenario(arrivals=arrivals), tmp_path)
