"""A pause is seen for as long as it lasted, whether or not a request was due in it."""

from __future__ import annotations

import pytest

from carpal_loadtests.pulse import EVERY_S, Pulse


def beaten(pause_s: float, run_s: float = 10.0) -> Pulse:
    """Beats a tenth of a millisecond late, but for one pause."""
    pulse = Pulse(0.0)
    while pulse.due_s < run_s / 2:
        pulse.beat(pulse.due_s + 1e-4)
    pulse.beat(pulse.due_s + pause_s)
    while pulse.due_s < run_s:
        pulse.beat(pulse.due_s + 1e-4)
    return pulse


def test_a_pause_of_three_per_cent_of_the_time_lifts_the_99th_percentile_to_two_thirds_of_it_or_more() -> None:
    assert beaten(0.3).p99_ms == pytest.approx(225, abs=30)


def test_a_pause_of_half_a_per_cent_does_not() -> None:
    assert beaten(0.05).p99_ms == pytest.approx(0.1, abs=0.01)


def test_no_beat_is_no_delay() -> None:
    assert Pulse(5.0).p99_ms == 0.0
    early = Pulse(5.0)
    early.beat(5.0 - EVERY_S)
    assert early.p99_ms == 0.0
