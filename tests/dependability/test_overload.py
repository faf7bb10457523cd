"""Twice and ten times the capacity, for a minute each: judged by carpal's own load test."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.integration.conftest import CARPAL, until

from .load import Load

DEADLINE_MS = 1000
STAGE_S = 60
SCENARIO = {
    "schema": "carpal.scenario/v1",
    "name": "overload",
    "arrivals": {"kind": "poisson", "rate_per_s": 10, "duration_s": 10},
    "payloads": {"kind": "phantoms", "count": 4, "size_px": 128},
    "timeout_s": 20,
    "max_in_flight": 2000,
    "validity": {"lag_p99_ms": 1000, "offered_share": 0.9, "generator_cpu": 1.0},
}


@pytest.mark.timeout(600)
def test_goodput_latency_memory_and_recovery_hold_at_twice_and_ten_times_the_capacity(
    serve: Callable[..., Any],
    tiny_package: Path,
    grey_png: Callable[..., bytes],
    tmp_path: Path,
    figure: Callable[[str], None],
):
    """The engine is emulated, 40 ms an image: the load generator needs the other core."""
    options = ("--engine", "emulated:40", "--streams", "2", "--deadline-ms", str(DEADLINE_MS))
    service = serve("--model", str(tiny_package), *options)
    with Load(service.http, grey_png(128, 128), callers=8) as load:
        until(load.more(50))
        until(load.more(400))
    capacity = 8 / (sum(load.seconds[-400:]) / 400)  # Little's law: callers in the system over their mean time in it
    file = tmp_path / "overload.yaml"
    file.write_text(json.dumps(SCENARIO))  # JSON is YAML
    command = [CARPAL, "load", "overload", str(file), "--target", service.url, "--capacity", f"{capacity:.2f}"]
    command += ["--good-ms", str(DEADLINE_MS), "--stage-s", str(STAGE_S), "--out", str(tmp_path / "out"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert done.stdout, done.stderr
    document = json.loads(done.stdout)
    checks = {check["name"]: check for check in document["verdict"]["service_levels"]}
    figure(f"capacity {capacity:.1f} a second by Little's law with 8 callers")
    for check in checks.values():
        figure(check["reason"])
    wanted = {f"{times}x.{what}" for times in (2, 10) for what in ("goodput_per_s", "accepted_p99_ms", "recovery_s")}
    assert wanted | {"memory_ratio"} <= set(checks)
    assert all(check["holds"] for name, check in checks.items() if name in wanted | {"memory_ratio"}), checks
