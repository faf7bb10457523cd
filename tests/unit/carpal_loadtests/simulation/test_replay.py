"""A comparison holds where replicas and p95 are near, and fails where either is not: on made-up recordings, and on real
ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from carpal_loadtests.answers import Outcome
from carpal_loadtests.capacity.demand import ServiceTimes
from carpal_loadtests.errors import RecordingError
from carpal_loadtests.rows import Row
from carpal_loadtests.simulation.outcome import run as simulated
from carpal_loadtests.simulation.recording import Recording, Tick, read_recording
from carpal_loadtests.simulation.replay import Replayed, in_step, phase, replay
from carpal_loadtests.simulation.run import draw_service
from carpal_loadtests.simulation.setup import FixedPolicy, Setup, load_setup
from carpal_loadtests.summary.evidence import gather

RECORDED = Path(__file__).resolve().parents[3] / "data/recorded"
SERVICE = ServiceTimes.typed(0.08, 0.1)
SETUP = Setup.parse(
    {
        "name": "recorded",
        "arrivals": {"kind": "constant", "rate_per_s": 1, "duration_s": 1},
        "service": {"mean_ms": 80},
        "replica": {"startup_s": 10},
        "policies": {"cpu": {"kind": "hpa", "target": 60, "min_replicas": 2, "max_replicas": 20}},
    },
    source="the test",
)
POLICY = SETUP.policies["cpu"]


def recorded(seed: int = 9) -> tuple[list[Row], Recording]:
    """A recording by the simulator itself, with other service times and a clock 7.5 s later: what it says
    of its own kind must hold."""
    sent_s = np.concatenate([np.arange(0, 60, 0.1), np.arange(60, 240, 0.02)])
    later = SETUP.model_copy(update={"delays": SETUP.delays.model_copy(update={"sync_phase_s": 7.5})})
    course = simulated(later, POLICY, sent_s, draw_service(SERVICE, len(sent_s), seed), 241.0)
    rows = [
        Row(index, at, at, None if np.isnan(took) else at + took, 200, "",
            Outcome.SHED if np.isnan(took) else Outcome.ANSWERED, 1)
        for index, (at, took) in enumerate(zip(sent_s.tolist(), course.latency_s.tolist(), strict=True))
    ]  # fmt: skip
    ticks = [Tick(float(second), int(course.replicas[second]), int(course.ready[second])) for second in range(240)]
    return rows, Recording(ticks, decided_s=[7.5 + 15 * number for number in range(16)])


def test_a_recording_of_the_same_rules_holds() -> None:
    rows, recording = recorded()
    found = replay(SETUP, POLICY, SERVICE, rows, recording)
    assert max(look.recorded for look in found.looks) > 4
    assert found.within_one_share >= 0.95
    assert abs(found.p95_error) < 0.2
    assert found.holds


@pytest.mark.parametrize("shape", ["step", "climb"])
def test_what_a_real_autoscaler_did_is_met_on_a_shape_that_was_fitted_and_on_one_that_was_held_out(shape: str) -> None:
    found = compared(shape)
    assert found.within_one_share >= 0.99
    assert found.holds


@pytest.mark.parametrize(("shape", "recorded_ms"), [("wave", 286), ("wave-busy", 1398)])
def test_at_a_threshold_replicas_are_met_and_a_p95_that_differs_from_day_to_day_is_not(
    shape: str, recorded_ms: float
) -> None:
    """The same wave twice, with a p95 five times as high: the simulation lies between. See tests/data/recorded."""
    found = compared(shape)
    assert found.within_one_share >= 0.99
    assert found.recorded_p95_ms == pytest.approx(recorded_ms, abs=1)
    assert 286 < found.simulated_p95_ms < 1398
    assert not found.holds


def compared(shape: str) -> Replayed:
    """A recorded run beside its simulation."""
    setup, service = load_setup(RECORDED / "setup.yaml")
    (run,) = gather([RECORDED / shape]).runs
    return replay(setup, setup.policies["cpu"], service, run.rows, read_recording(RECORDED / shape))


def test_replicas_or_p95_that_are_too_far_off_do_not() -> None:
    rows, recording = recorded()
    more = [
        Tick(tick.at_s, tick.replicas + 2 * (number % 10 == 0), 1)
        for number, tick in enumerate(recording.ticks)
        if number
    ]
    assert not replay(SETUP, POLICY, SERVICE, rows, replace(recording, ticks=more)).holds
    slow = replay(SETUP, POLICY, SERVICE.scaled(1.5), rows, recording)
    assert not slow.holds


def test_clocks_are_set_as_they_were_recorded() -> None:
    recording = Recording([], decided_s=[6.5, 22.0, 37.0], looked_s=[13.5, 29.5])
    found = in_step(SETUP.delays, POLICY, recording)
    assert found.sync_phase_s == pytest.approx(6.83, abs=0.01)
    assert found.scrape_phase_s == pytest.approx(14.0, abs=0.01)
    assert in_step(SETUP.delays, POLICY, Recording([])) == SETUP.delays
    assert in_step(SETUP.delays, FixedPolicy(replicas=2), recording) == SETUP.delays


def test_the_phase_of_a_clock_is_a_mean_on_its_circle() -> None:
    assert phase([13.0, 30.0], 15.0, 3.0) == pytest.approx(14.0)
    assert phase([], 15.0, 3.0) == 3.0


def test_what_cannot_be_laid_beside_one_another_is_refused() -> None:
    rows, recording = recorded()
    later = [Tick(tick.at_s + 9000, tick.replicas, tick.ready) for tick in recording.ticks]
    with pytest.raises(RecordingError, match="0 looks fall"):
        replay(SETUP, POLICY, SERVICE, rows, replace(recording, ticks=later))
    with pytest.raises(RecordingError, match="0 of its requests"):
        replay(SETUP, POLICY, SERVICE, [replace(row, outcome=Outcome.SHED) for row in rows], recording)
