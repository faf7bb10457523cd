"""Servers of known truth, and scenarios to send them."""

from __future__ import annotations

import json
import runpy
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from carpal_loadtests.generator import Measurement, generate
from carpal_loadtests.job import Plan
from carpal_loadtests.payloads import gather
from carpal_loadtests.scenario import Scenario


@dataclass(frozen=True)
class Known:
    """A running server of known truth."""

    url: str

    def seen(self) -> list[dict[str, Any]]:
        """What it saw, in order of arrival."""
        entries: list[dict[str, Any]] = httpx.get(f"{self.url}/seen", trust_env=False).json()
        return entries


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Known]]:
    """Starts servers: ``known(service_ms=5, answers={"garbage": [3]})``; see truth.py."""
    running: list[subprocess.Popen[str]] = []

    def start(**behaviour: Any) -> Known:
        told = tmp_path_factory.mktemp("known") / "behaviour.json"
        told.write_text(json.dumps(behaviour))
        command = [sys.executable, str(Path(__file__).with_name("truth.py")), str(told)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        running.append(process)
        assert process.stdout is not None
        return Known(f"http://127.0.0.1:{int(process.stdout.readline())}")

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def dead_url() -> Iterator[str]:
    """The URL of a port that is taken and does not listen."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture(scope="session")
def record_of() -> Callable[[str], bytes]:
    """Makes the body of a true record of the named model, as the server of known truth sends it."""
    maker: Callable[[str], bytes] = runpy.run_path(str(Path(__file__).with_name("truth.py")))["record_of"]
    return maker


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
def measure(
    tmp_path_factory: pytest.TempPathFactory, image: Path
) -> Callable[[Scenario, Known], tuple[Plan, Measurement]]:
    """Runs a scenario against a server of known truth."""

    def run(scenario: Scenario, server: Known) -> tuple[Plan, Measurement]:
        plan = Plan(scenario, server.url, "known", gather(scenario.payloads, image.parent))
        return plan, generate(plan, tmp_path_factory.mktemp("run"), lambda progress: None)

    return run
