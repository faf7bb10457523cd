"""The schedule is computed beforehand, and is what it says."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError
from scipy import stats

from carpal_loadtests.arrivals import (
    Arrivals,
    Constant,
    Poisson,
    Ramp,
    Replay,
    Sine,
    Spike,
    Stage,
    Stages,
    Step,
    choices,
    part,
    schedule,
)
from carpal_loadtests.errors import TraceError

SHAPES: list[dict[str, Any]] = [
    {"kind": "constant", "rate_per_s": 20, "duration_s": 60},
    {"kind": "poisson", "rate_per_s": 20, "duration_s": 60},
    {"kind": "soak", "rate_per_s": 20, "duration_s": 60},
    {"kind": "ramp", "from_per_s": 0, "to_per_s": 40, "duration_s": 60},
    {"kind": "step", "from_per_s": 10, "to_per_s": 30, "steps": 3, "step_s": 20},
    {"kind": "spike", "rate_per_s": 10, "peak_per_s": 100, "before_s": 30, "spike_s": 6, "after_s": 30},
    {"kind": "sine", "mean_per_s": 20, "amplitude_per_s": 20, "period_s": 20, "duration_s": 60},
    {
        "kind": "stages",
        "stages": [{"rate_per_s": 5, "to_per_s": 35, "duration_s": 30}, {"rate_per_s": 20, "duration_s": 30}],
    },
]


def counts(times: np.ndarray[Any, Any], edges: list[float]) -> list[int]:
    """Arrivals between the edges."""
    return np.histogram(times, edges)[0].tolist()


def test_constant_arrivals_are_at_equal_gaps_and_exactly_as_many_as_the_rate_says() -> None:
    times = schedule(Constant(rate_per_s=30, duration_s=10), warmup_s=2, seed=5).times
    assert len(times) == 360
    assert times[0] == 0
    np.testing.assert_allclose(np.diff(times), 1 / 30, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("rate", "span", "count"), [(30, 0.1, 3), (0.5, 4, 2), (3, 1.1, 4), (7, 1, 7)])
def test_the_last_constant_arrival_lies_before_the_end(rate: float, span: float, count: int) -> None:
    times = schedule(Constant(rate_per_s=rate, duration_s=span), warmup_s=0, seed=0).times
    assert len(times) == count
    assert times[-1] < span


def test_poisson_arrivals_have_independent_exponential_gaps() -> None:
    times = schedule(Poisson(rate_per_s=50, duration_s=200), warmup_s=0, seed=11).times
    gaps = np.diff(times, prepend=0.0)
    assert stats.kstest(gaps, "expon", args=(0, 1 / 50)).pvalue > 0.01
    assert abs(np.corrcoef(gaps[:-1], gaps[1:])[0, 1]) < 0.03
    # Counts a second have a variance equal to their mean.
    by_second = np.bincount(times.astype(int), minlength=200)
    assert by_second.var() / by_second.mean() == pytest.approx(1.0, abs=0.3)


def test_poisson_arrivals_fill_the_span_and_do_not_leave_it() -> None:
    times = schedule(Poisson(rate_per_s=100, duration_s=20), warmup_s=5, seed=3).times
    assert (np.diff(times) > 0).all()
    assert 0 < times[0] < 0.2
    assert 24.8 < times[-1] < 25
    assert abs(len(times) - 2500) < 4 * 50


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape["kind"])
def test_every_shape_keeps_its_rate_its_span_and_its_seed(shape: dict[str, Any]) -> None:
    arrivals = TypeAdapter(Arrivals).validate_python(shape)
    planned = schedule(arrivals, warmup_s=0, seed=4)
    expected = sum(piece.arrivals for piece in arrivals.pieces())
    assert len(planned.times) == pytest.approx(expected, abs=4 * expected**0.5)
    assert planned.duration_s == pytest.approx(sum(piece.duration_s for piece in arrivals.pieces()))
    assert (np.diff(planned.times) >= 0).all()
    assert planned.times[0] >= 0
    assert planned.times[-1] < planned.duration_s
    np.testing.assert_array_equal(planned.times, schedule(arrivals, warmup_s=0, seed=4).times)


def test_the_warm_up_goes_at_the_first_rate() -> None:
    step = Step(from_per_s=10, to_per_s=30, steps=3, step_s=2, spacing="even")
    planned = schedule(step, warmup_s=1, seed=0)
    assert counts(planned.times, [0, 1, 3, 5, 7]) == [10, 20, 40, 60]
    assert planned.planned_in_warmup == 10


def test_a_request_at_the_end_of_the_warm_up_is_measured_however_its_rate_falls_in_binary() -> None:
    """12.000000000000002/s is what 1.2 times 10 can be: its 12th request is due a part in 10^15 before the second."""
    planned = schedule(Constant(rate_per_s=12.000000000000002, duration_s=3), warmup_s=1.0, seed=1)
    assert planned.planned_in_warmup == 12
    assert planned.planned_in_warmup == sum(float(f"{time:.6f}") < 1.0 for time in planned.times)


def test_a_ramp_rises_in_a_straight_line() -> None:
    times = schedule(Ramp(from_per_s=0, to_per_s=100, duration_s=10, spacing="even"), warmup_s=0, seed=0).times
    # Areas under the line: 2.5 * 25 / 2 and so on.
    assert counts(times, [0, 2.5, 5, 7.5, 10]) == pytest.approx([31, 94, 156, 219], abs=1)


def test_a_spike_jumps_at_once_and_comes_back() -> None:
    spike = Spike(rate_per_s=10, peak_per_s=100, before_s=2, spike_s=1, after_s=2, spacing="even")
    assert counts(schedule(spike, warmup_s=0, seed=0).times, [0, 2, 3, 5]) == [20, 100, 20]


def test_a_sine_swings_around_its_mean() -> None:
    sine = Sine(mean_per_s=100, amplitude_per_s=100, period_s=10, duration_s=10, spacing="even")
    # Over the rising half the mean rate is mean + 2 / pi amplitude.
    assert counts(schedule(sine, warmup_s=0, seed=0).times, [0, 5, 10]) == pytest.approx([818, 182], abs=1)


def test_a_sine_cannot_fall_below_nothing() -> None:
    with pytest.raises(ValidationError, match="more than mean_per_s"):
        Sine(mean_per_s=1, amplitude_per_s=2, period_s=10, duration_s=10)


def test_stages_follow_one_another() -> None:
    stages = Stages(
        stages=(
            Stage(rate_per_s=10, duration_s=1),
            Stage(rate_per_s=0, duration_s=1),
            Stage(rate_per_s=30, duration_s=1),
        ),
        spacing="even",
    )
    assert counts(schedule(stages, warmup_s=0, seed=0).times, [0, 1, 2, 3]) == [10, 0, 30]


def test_a_replay_sends_what_was_recorded_from_its_beginning_on(tmp_path: Path) -> None:
    (tmp_path / "trace.txt").write_text("100.0\n100.5\n102.0\n")
    planned = schedule(Replay(path=Path("trace.txt"), speed=2), warmup_s=0.2, seed=0, base=tmp_path)
    assert planned.times.tolist() == [0, 0.25, 1.0]
    assert planned.warmup_s + planned.duration_s == pytest.approx(1.5)  # one mean gap after the last
    assert planned.planned_in_warmup == 1


def test_a_trace_that_ends_in_the_warm_up_is_refused(tmp_path: Path) -> None:
    (tmp_path / "trace.txt").write_text("0\n1\n")
    with pytest.raises(TraceError, match="the warm-up takes 5 s"):
        schedule(Replay(path=Path("trace.txt")), warmup_s=5, seed=0, base=tmp_path)


def test_another_seed_gives_another_schedule() -> None:
    arrivals = Poisson(rate_per_s=20, duration_s=5)
    first, other = (schedule(arrivals, warmup_s=0, seed=seed).times for seed in (1, 2))
    assert not np.array_equal(first[:50], other[:50])


def test_payloads_are_chosen_by_their_weight() -> None:
    found = np.bincount(choices(4000, np.array([1.0, 1.0, 2.0]), seed=9), minlength=3)
    assert found.sum() == 4000
    assert stats.chisquare(found, [1000, 1000, 2000]).pvalue > 0.01


def test_workers_share_the_schedule_without_gap_or_overlap() -> None:
    parts = [list(part(11, worker, 3)) for worker in range(3)]
    assert parts[1] == [1, 4, 7, 10]
    assert sorted(chain(*parts)) == list(range(11))


def test_a_worker_beyond_the_last_is_refused() -> None:
    with pytest.raises(ValueError, match="worker 3 is not one of 3"):
        part(10, 3, 3)
