"""Runs for a page about scaling: so many pods, offered more than they can answer, by charts/loadtest in the cluster.

Minutes of measurement and no check, so only where ``SCALE_RUNS`` names a folder:
``SCALE_RUNS=out/scale .venv/bin/pytest tests/cluster/test_scale_runs.py``. The folder gets a run for each number of
pods, as `carpal load scale` and `carpal load report` read them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cluster.loadtest import scenario, verdict
from tests.cluster.release import Release
from tests.cluster.store import Store
from tests.cluster.values import emulated, real

from carpal_loadtests.result import read_result

EMULATED_MS = 400
SECONDS = 15
OFFERED = 1.6
"""Times what the pods can answer."""
Figure = Callable[[str, Any], None]
EMULATED = [("emulated", pods, round(OFFERED * pods * 1000 / EMULATED_MS, 1)) for pods in (1, 2, 3, 4, 6, 8)]
REAL = [("real", pods, 30.0) for pods in (1, 2)]


@pytest.mark.skipif("SCALE_RUNS" not in os.environ, reason="SCALE_RUNS names no folder: these are runs, not a check")
@pytest.mark.parametrize(("engine", "pods", "rate_per_s"), [*EMULATED, *REAL])
def test_pods_that_are_offered_more_than_they_can_answer(
    engine: str,
    pods: int,
    rate_per_s: float,
    release: Release,
    tester: tuple[Release, dict[str, Any]],
    store: Store,
    detector: dict[str, str],
    figure: Figure,
):
    values = emulated(detector, ms=EMULATED_MS, streams=1, queue=16) if engine == "emulated" else real(detector)
    release.install("detector", {**values, "autoscaling": {"class": "none", "minReplicas": pods}})
    release.ready()
    release.settled(pods)
    load, common = tester
    arrivals = {"kind": "constant", "rate_per_s": rate_per_s, "duration_s": SECONDS}
    inline = {
        **scenario(), "name": f"scale-{engine}-{pods}", "arrivals": arrivals, "warmup_s": 5, "max_in_flight": 512,
        "slos": {"error_share": 1.0},
    }  # fmt: skip
    report = {"s3": f"s3://{store.bucket}/reports", **store.reader(release.space)}
    more = {"target": "http://wrist-predictor", "report": report, "watch": {"enabled": True}}
    load.install("loadtest", {**common, **more, "scenario": {"inline": inline}})
    verdict(load, "load-1")
    result, _ = read_result(store.fetch("reports/load-1", Path(os.environ["SCALE_RUNS"]) / f"{engine}-{pods}"))
    figure("answered_per_s", result.figures.counts.answered / SECONDS)
    assert result.figures.counts.answered < result.figures.counts.planned
