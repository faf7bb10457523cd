"""Servers of known truth, and scenarios to send them."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from carpal_loadtests.answers import Outcome
from carpal_loadtests.calibration import behaviour
from carpal_loadtests.calibration.behaviour import Behaviour
from carpal_loadtests.calibration.known import listen
from carpal_loadtests.calibration.server import Known
from carpal_loadtests.generator import Measurement, generate
from carpal_loadtests.job import Summary
from carpal_loadtests.machine import fingerprint
from carpal_loadtests.plan import Plan, make_plan
from carpal_loadtests.result import Result, conclude
from carpal_loadtests.rows import Row
from carpal_loadtests.scenario import Scenario
from carpal_loadtests.target import Target


@pytest.fixture(scope="module")
def known() -> Iterator[Callable[..., Known]]:
    """Starts servers of known truth: ``known(service_ms=5, answers={"garbage": [3]})``; see ``Behaviour``.

    They share a thread of this process, which costs a test nothing; calibrations give each a process of its own.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def start(**keys: Any) -> Known:
        told = Behaviour.parse(keys, source="the test")
        _, port = asyncio.run_coroutine_threadsafe(listen(told), loop).result(30)
        return Known(f"http://127.0.0.1:{port}", os.getpid())

    yield start
    loop.call_soon_threadsafe(loop.stop)
    thread.join(30)
    loop.close()


@pytest.fixture
def dead_url() -> Iterator[str]:
    """The URL of a port that is taken and does not listen."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture(scope="session")
def record_of() -> Callable[..., bytes]:
    """Makes the body of a true record of the named model and image, as the server of known truth sends it."""
    return behaviour.record_of


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory, grey_png: Callable[..., bytes]) -> Path:
    """A PNG to send."""
    path = tmp_path_factory.mktemp("image") / "grey.png"
    path.write_bytes(grey_png())
    return path


@pytest.fixture(scope="module")
def scenario(image: Path) -> Callable[..., Scenario]:
    """Makes scenarios: ``scenario(rate_per_s=50, duration_s=1)``; any other key replaces the scenario's.

    Limits and validity conditions are loose, because tests share their machine with other tests.
    """

    def make(rate_per_s: float = 50, duration_s: float = 1, kind: str = "constant", **keys: Any) -> Scenario:
        data: dict[str, Any] = {
            "schema": "carpal.scenario/v1",
            "name": "known",
            "arrivals": {"kind": kind, "rate_per_s": rate_per_s, "duration_s": duration_s},
            "payloads": {"kind": "files", "paths": [str(image)]},
            "model": "known",
            "timeout_s": 60,
            "slos": {"p50_ms": 59_000},
            "validity": {"offered_share": 0.0, "lag_p99_ms": 600_000, "generator_cpu": 1.0},
            **keys,
        }
        return Scenario.parse(data, source="the test")

    return make


@pytest.fixture(scope="module")
def measure(tmp_path_factory: pytest.TempPathFactory, image: Path) -> Callable[..., tuple[Plan, Measurement]]:
    """Runs a scenario against a server of known truth."""

    def run(scenario: Scenario, server: Known, processes: int = 1) -> tuple[Plan, Measurement]:
        plan = replace(make_plan(scenario, image.parent), target=server.url, model="known")
        return plan, generate(plan, tmp_path_factory.mktemp("run"), lambda progress: None, processes=processes)

    return run


SUMMARY = Summary(started="2026-11-23T00:00:00.000+00:00", elapsed_s=3.0, cpu_share=0.2, answerers=(), finished=True)


@pytest.fixture
def summary() -> Summary:
    """Of a run that went to its end."""
    return SUMMARY


@pytest.fixture
def plan(scenario: Callable[..., Scenario], tmp_path: Path) -> Plan:
    """Ten a second for two seconds after one of warm-up."""
    return make_plan(scenario(rate_per_s=10, duration_s=2, warmup_s=1, slos={"p99_ms": 100}), tmp_path)


@pytest.fixture
def measured() -> Callable[..., Measurement]:
    """Makes measurements: the first requests of a plan, slow in the warm-up and quick after it."""

    def make(plan: Plan, count: int = 1_000_000, **keys: Any) -> Measurement:
        rows = [
            Row(index, at, at, at + (0.5 if at < 1 else 0.02), 200, "", Outcome.ANSWERED, 100)
            for index, at in enumerate(plan.schedule.times[:count].tolist())
        ]
        return Measurement(**{"rows": rows, "summary": SUMMARY, "interrupted": False, **keys})

    return make


@pytest.fixture
def result_of(
    scenario: Callable[..., Scenario], measured: Callable[..., Measurement], tmp_path: Path
) -> Callable[..., Result]:
    """Makes results: ``result_of(count=14, interrupted=True, slos={...}, samples=[...])``."""

    def make(*, span_s: float = 2, slos: Any = None, samples: Any = (), arrivals: Any = None, **keys: Any) -> Result:
        shape = {"arrivals": arrivals} if arrivals else {}
        chosen = scenario(rate_per_s=10, duration_s=span_s, warmup_s=1, slos=slos or {"p99_ms": 100}, **shape)
        planned = make_plan(chosen, tmp_path)
        target = Target(url="http://127.0.0.1:1", model="known", metadata={"name": "known"})
        return conclude(planned, target, measured(planned, **keys), fingerprint(), samples=samples)

    return make
