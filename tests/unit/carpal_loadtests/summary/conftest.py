"""A report's evidence, made without any service."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.carpal_loadtests.made_runs import write_run

from carpal_loadtests.capacity.demand import Demand, ServiceTimes, Spike
from carpal_loadtests.capacity.plan import plan
from carpal_loadtests.scaling.analysis import analyse
from carpal_loadtests.scaling.points import Point
from carpal_loadtests.simulation.outcome import simulate
from carpal_loadtests.simulation.setup import Setup
from carpal_loadtests.whole import write_document

SERVICE = ServiceTimes.typed(0.08, 0.1)


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A law, a plan and a simulation, by kind."""
    folder = tmp_path_factory.mktemp("documents")
    points = [Point(replicas=n, throughput_per_s=12 * n / (1 + 0.04 * (n - 1)), emulated=True) for n in range(1, 9)]
    told = {
        "name": "evening",
        "arrivals": {"kind": "poisson", "rate_per_s": 20, "duration_s": 60},
        "service": {"mean_ms": 80},
        "policies": {"four": {"kind": "fixed", "replicas": 4}, "cpu": {"kind": "hpa", "min_replicas": 3, "target": 60}},
    }
    spike = Spike(rate_per_s=60, detection_s=30, startup_s=10)
    demand = Demand(rate_per_s=40, service=SERVICE, limit_s=0.5, price_per_hour=0.2, spike=spike, balancing="shared")
    made = {
        "scaling": analyse(points, resamples=100),
        "plan": plan(demand),
        "simulated": simulate(Setup.parse(told, source="the test"), SERVICE),
    }
    for name, document in made.items():
        write_document(document, folder / f"{name}.json")
    return {name: folder / f"{name}.json" for name in made}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, scenario: Callable[..., Any]) -> tuple[Path, Path]:
    """Folders of a light run and of one at its limit, which breaks its objective."""
    folder = tmp_path_factory.mktemp("runs")
    light = scenario(rate_per_s=20, duration_s=4, kind="poisson", warmup_s=1)
    full = scenario(rate_per_s=120, duration_s=2, slos={"p50_ms": 100})
    return (
        write_run(folder / "light", light, service_s=0.02, slots=2),
        write_run(folder / "full", full, service_s=0.02, slots=2),
    )
