"""Fifty thousand requests: what the process holds does not grow, and a control that leaks is found."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.integration.conftest import stop, until

from .load import Load

REQUESTS, CONTROL = 50_000, 5_000
MOST_BYTES = 64.0  # a request; 50,000 of them would be 3 MiB
LEAKING = """
import sys
from carpal.cli import main
from carpal_detector.metrics import Metrics
kept, counted = [], Metrics.image
def image(self, model, record):
    kept.append(record.model_copy(deep=True))
    counted(self, model, record)
Metrics.image = image
main()
"""


def slope(pid: int, load: Load, requests: int) -> float:
    """Bytes a request, by least squares over all but the first third, in which pools and caches fill up."""
    marks = []
    for _ in range(40):
        until(load.more(requests // 40), patience_s=120)
        status = Path(f"/proc/{pid}/status").read_text()
        marks.append((load.statuses[200], int(status.partition("VmRSS:")[2].split()[0]) * 1024))
    done, held = np.array(marks[len(marks) // 3 :], float).T
    return float(np.polyfit(done, held, 1)[0])


@pytest.mark.timeout(900)
def test_memory_does_not_grow_over_fifty_thousand_requests_and_a_leak_is_found(
    serve: Callable[..., Any],
    tiny_package: Path,
    grey_png: Callable[..., bytes],
    tmp_path: Path,
    figure: Callable[[str], None],
):
    options = ("--model", str(tiny_package), "--engine", "emulated:0")
    service = serve(*options)
    with Load(service.http, grey_png(64, 64, bits=8), callers=3) as load:
        grown = slope(service.process.pid, load, REQUESTS)
    assert set(load.statuses) == {200}
    assert load.lost == []
    ports = tmp_path / "ports.json"
    command = [sys.executable, "-c", LEAKING, "serve", "--port", "0", "--grpc-port", "0", "--port-file", str(ports)]
    process = subprocess.Popen([*command, *options], stderr=subprocess.DEVNULL)
    try:
        until(ports.exists)
        with Load(json.loads(ports.read_text())["http"], grey_png(64, 64, bits=8), callers=3) as control:
            leaked = slope(process.pid, control, CONTROL)
    finally:
        stop(process)
    figure(f"{grown:+.1f} bytes a request over {REQUESTS}; a control that keeps its records {leaked:+.0f}")
    assert grown < MOST_BYTES
    assert leaked > MOST_BYTES
