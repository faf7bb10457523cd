"""Callers wait for their answers, and the watch counts what they got."""

from __future__ import annotations

import numpy as np
import pytest

from carpal.engines.emulated import EmulatedEngine
from carpal_training.tuning.stopwatch import FEWEST_CALLS, Lap, time_calls

IMAGE = np.zeros((1, 1, 64, 64), np.uint8)


def test_a_call_takes_as_long_as_the_engine_sleeps(tiny_manifest):
    lap = time_calls(EmulatedEngine(tiny_manifest, 20.0), IMAGE, 1, 0.1)
    assert min(lap.calls_ms) >= 20.0
    assert lap.images_per_s <= 50.0


def test_callers_at_once_are_counted_together(tiny_manifest):
    """Sleeping needs no core, so that two callers get twice as many answers on any machine."""
    one = time_calls(EmulatedEngine(tiny_manifest, 50.0), IMAGE, 1, 0.3)
    four = time_calls(EmulatedEngine(tiny_manifest, 50.0), IMAGE, 4, 0.3)
    assert four.images_per_s > 2 * one.images_per_s
    assert len(four.calls_ms) >= 4 * FEWEST_CALLS


def test_a_slow_engine_is_called_three_times_all_the_same(tiny_manifest):
    assert len(time_calls(EmulatedEngine(tiny_manifest, 20.0), IMAGE, 1, 0.0).calls_ms) == FEWEST_CALLS


def test_the_middle_and_the_tail_are_told_apart():
    lap = Lap(tuple(float(value) for value in range(1, 102)), 1.0)
    assert (lap.median_ms, lap.p95_ms) == (51.0, 96.0)


def test_an_engine_that_fails_is_not_timed(tiny_manifest):
    with pytest.raises(Exception, match="the images are"):
        time_calls(EmulatedEngine(tiny_manifest, 1.0), IMAGE[:, :, :32], 2, 0.1)
