"""Service times are those of the run, or those that were typed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.unit.carpal_loadtests.made_runs import write_run

from carpal_loadtests.capacity.demand import ServiceTimes, Spike, measured_service
from carpal_loadtests.errors import ServiceTimesError


def test_a_light_run_gives_its_service_times_and_says_that_it_was_emulated(
    tmp_path: Path, scenario: Callable[..., Any]
) -> None:
    folder = write_run(tmp_path / "run", scenario(rate_per_s=20, duration_s=3, warmup_s=1), service_s=0.02, slots=2)
    found = measured_service(folder)
    assert found.mean_s == pytest.approx(0.02)
    assert found.scv == pytest.approx(0, abs=1e-9)
    assert (found.source, found.emulated) == (str(folder), True)


def test_quantiles_stand_for_the_whole_distribution() -> None:
    values = np.random.default_rng(1).gamma(4, 0.02, 5000)
    found = ServiceTimes.of(list(values), source="drawn")
    assert found.mean_s == pytest.approx(0.08, rel=0.03)
    assert found.scv == pytest.approx(0.25, rel=0.1)
    assert np.mean(found.quantiles_s) == pytest.approx(found.mean_s, rel=0.01)
    assert list(found.quantiles_s) == sorted(found.quantiles_s)


def test_a_typed_distribution_has_the_mean_and_the_variation_that_were_typed() -> None:
    found = ServiceTimes.typed(0.085, 0.3)
    assert np.mean(found.quantiles_s) == pytest.approx(0.085, rel=0.005)
    assert np.std(found.quantiles_s) / 0.085 == pytest.approx(0.3, rel=0.02)
    assert ServiceTimes.typed(0.085, 0).quantiles_s == (0.085,)


def test_a_slower_replica_has_the_same_distribution_stretched() -> None:
    found = ServiceTimes.typed(0.085, 0.3)
    twice = found.scaled(2)
    assert (twice.mean_s, twice.scv) == (0.17, found.scv)
    assert twice.quantiles_s[7] == 2 * found.quantiles_s[7]


def test_a_folder_without_a_result_or_with_too_few_answers_is_refused(
    tmp_path: Path, scenario: Callable[..., Any]
) -> None:
    with pytest.raises(ServiceTimesError, match="holds no result"):
        measured_service(tmp_path)
    folder = write_run(tmp_path / "run", scenario(rate_per_s=20, duration_s=1), service_s=0.02, slots=2)
    with pytest.raises(ServiceTimesError, match="has 20 answered requests"):
        measured_service(folder)


def test_a_spike_lasts_until_a_new_replica_answers() -> None:
    assert Spike(rate_per_s=5, detection_s=30, startup_s=12).exposed_s == 42
