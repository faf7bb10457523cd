"""What `make loadtest` sends are valid scenarios, whatever limit it found."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.loadtest import Parts, payloads, spike, step

from carpal.terminal import Terminal
from carpal_loadtests.payloads import Mix
from carpal_loadtests.scenario import load_scenario


@pytest.mark.parametrize("limit", [0.05, 1.0, 333.3])
def test_step_and_spike_go_beyond_the_limit_and_come_back(limit: float, tmp_path: Path):
    parts = Parts("http://127.0.0.1:1", tmp_path, Terminal(quiet=True))
    climbs, _ = load_scenario(parts.scenario("step", **step(limit, 6.0)))
    jumps, _ = load_scenario(parts.scenario("spike", **spike(limit, 6.0)))
    assert max(piece.to_per_s for piece in climbs.arrivals.pieces()) == pytest.approx(1.5 * limit)
    assert jumps.arrivals.peak_per_s == pytest.approx(2 * limit)
    assert jumps.peak_end_s == 2 + 6 + 6


def test_bodies_are_phantoms_and_real_radiographs_where_there_are_some():
    mix = Mix.model_validate(payloads())
    assert mix.parts[0].payloads.kind == "phantoms"
    assert [part.payloads.kind for part in mix.parts[1:]] in ([], ["files"])
