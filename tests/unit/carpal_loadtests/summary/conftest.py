"""A report's evidence, made without any service."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.carpal_loadtests.made_runs import write_run

from carpal_loadtests.capacity.demand import Demand, ServiceTimes, Spike
from carpal_loadtests.capacity.plan import plan
from carpal_loadtests.limits.saturation import Probe, Saturation
from carpal_loadtests.machine import fingerprint
from carpal_loadtests.scaling.analysis import analyse
from carpal_loadtests.scaling.points import Point
from carpal_loadtests.simulation.outcome import simulate
from carpal_loadtests.simulation.setup import Setup
from carpal_loadtests.slos import Slos
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
        "saturation": saturation(folder),
        "simulated": simulate(Setup.parse(told, source="the test"), SERVICE),
    }
    for name, document in made.items():
        write_document(document, folder / f"{name}.json")
    return {name: folder / f"{name}.json" for name in made}


def saturation(folder: Path) -> Saturation:
    """Of a search that confirmed 20 a second, and found 24 too much."""
    slos = Slos(p95_ms=100)
    probes = tuple(
        Probe(
            rate_per_s=rate,
            duration_s=15,
            fate=fate,
            answered_per_s=min(rate, 22),
            p50_ms=40,
            p99_ms=rate * 5,
            reason="p95_ms: 130 ms is not within 100 ms" if fate == "fails" else "p95_ms: 90 ms is within 100 ms",
            folder=str(folder / str(rate)),
        )
        for rate, fate in ((10.0, "holds"), (40.0, "fails"), (20.0, "holds"), (24.0, "fails"), (20.0, "holds"))
    )
    return Saturation(
        slos=slos,
        target="http://127.0.0.1:1",
        rate_per_s=20,
        confirmed=True,
        tolerance=0.2,
        stopped_by=None,
        knee_per_s=20,
        maximum_per_s=22,
        emulated=True,
        probes=probes,
        machine=fingerprint(),
    )


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
