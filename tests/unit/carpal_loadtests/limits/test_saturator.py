"""Trials of a queue of known capacity: the curve, the knee, the maximum and the limit come out as they must."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from carpal.terminal import Terminal
from carpal_loadtests.answers import Outcome
from carpal_loadtests.generator import Measurement
from carpal_loadtests.job import Summary
from carpal_loadtests.limits.saturator import Saturator, at_rate
from carpal_loadtests.machine import fingerprint
from carpal_loadtests.plan import Plan, make_plan
from carpal_loadtests.result import conclude
from carpal_loadtests.rows import Row
from carpal_loadtests.target import Target
from carpal_loadtests.telemetry import Telemetry
from carpal_loadtests.trial import Setting, Trial

SERVICE_S = 0.05  # one slot: 20 a second


@pytest.fixture
def saturator(scenario: Callable[..., Any], tmp_path: Path, summary: Summary) -> Saturator:
    """Against a queue with one slot, worked out and not waited for."""

    def run(plan: Plan, target: Target, setting: Setting, out: Path, terminal: Terminal) -> Trial:
        out.mkdir(parents=True)
        free, rows = 0.0, []
        for call in plan.calls():
            free = max(free, call.intended_s) + SERVICE_S
            rows.append(Row(call.index, call.intended_s, call.intended_s, free, 200, "", Outcome.ANSWERED, 1))
        measurement = Measurement(rows, summary, False)
        return Trial(conclude(plan, target, measurement, fingerprint()), measurement, Telemetry(()))

    plan = make_plan(scenario(slos={"p90_ms": 300, "confidence": 0.9}), tmp_path)
    target = Target(url="http://127.0.0.1:1", model="known", metadata={})
    return Saturator(plan, target, Setting(target.url), tmp_path / "out", Terminal(quiet=True), run=run)


def test_the_limit_of_a_queue_lies_below_what_its_slot_can_do(saturator: Saturator) -> None:
    found = saturator.saturate(start=5, most=1000, tolerance=0.05, probe_s=30, confirm_s=120)
    assert found.confirmed
    assert found.rate_per_s is not None
    # M/D/1 with a p90 of 300 ms: some utilisation well above a half and below one.
    assert 12 < found.rate_per_s < 19.5
    assert found.maximum_per_s == pytest.approx(20, rel=0.02)
    assert found.knee_per_s is not None
    assert found.knee_per_s <= 20
    assert [probe.fate for probe in found.probes][-1] == "holds"
    assert found.probes[-1].duration_s == 120
    assert len(list((saturator.out).iterdir())) == len(found.probes)


def test_a_person_who_stops_it_gets_what_is_known_until_then(saturator: Saturator) -> None:
    run, trials = saturator.run, list[Trial]()

    def stopped(*arguments: Any) -> Trial:
        trial = run(*arguments)
        trials.append(trial)
        return replace(trial, measurement=replace(trial.measurement, interrupted=len(trials) == 3))

    saturator.run = stopped
    found = saturator.saturate(start=5, most=1000, tolerance=0.05, probe_s=5, confirm_s=20)
    assert len(found.probes) == len(trials) == 3
    assert saturator.interrupted
    assert not found.confirmed
    assert (found.stopped_by or "").startswith("interrupted")
    assert found.maximum_per_s is not None


def test_a_short_trial_is_compared_and_the_long_one_proved(saturator: Saturator) -> None:
    saturator.trial(5, 2, proof=False)
    saturator.trial(5, 2, proof=True)
    short, long = saturator.results
    assert short.verdict.service_levels[0].basis == "empirical"
    assert short.verdict.outcome == "pass"
    assert "not proved" in long.verdict.reasons[0]


def test_every_trial_has_its_own_arrivals_and_the_same_payloads(saturator: Saturator) -> None:
    plan = saturator.plan
    one, other = (at_rate(plan, 10, 20, seed=seed, proof=False) for seed in (1, 2))
    assert one.payloads is other.payloads is plan.payloads
    assert not np.array_equal(one.schedule.times[:10], other.schedule.times[:10])
