"""Result folders of runs that were never made: a queue of known slots and service time, written as a result is."""

from __future__ import annotations

import heapq
from pathlib import Path

import numpy as np

from carpal_loadtests.answers import Outcome
from carpal_loadtests.arrivals import schedule
from carpal_loadtests.calibration.behaviour import known_model
from carpal_loadtests.generator import Measurement
from carpal_loadtests.job import Answerer, Summary
from carpal_loadtests.machine import fingerprint
from carpal_loadtests.payloads import Payload
from carpal_loadtests.plan import Plan
from carpal_loadtests.result import conclude, write_result
from carpal_loadtests.rows import Row
from carpal_loadtests.scenario import Scenario
from carpal_loadtests.target import Target


def write_run(folder: Path, scenario: Scenario, *, service_s: float, slots: int, emulated: bool = True) -> Path:
    """Write what a run against ``slots`` slots of ``service_s`` each would have left behind."""
    times = schedule(scenario.arrivals, warmup_s=scenario.warmup_s, seed=scenario.seed)
    body = Payload("grey.png", "image/png", b"")
    plan = Plan(scenario, times, (body,), np.zeros(len(times.times), dtype=np.int64), "http://127.0.0.1:1", "known")
    rows = queue(plan, service_s=service_s, slots=slots)
    summary = Summary(
        started="2026-11-26T12:00:00.000+00:00",
        elapsed_s=max(row.end_s or 0.0 for row in rows),
        cpu_share=0.1,
        answerers=(Answerer(model=known_model("known", emulated=emulated), answers=len(rows)),),
        finished=True,
    )
    target = Target(url=plan.target, model="known", metadata={"name": "known"})
    folder.mkdir(parents=True, exist_ok=True)
    write_result(conclude(plan, target, Measurement(rows, summary, False), fingerprint()), rows, folder)
    return folder


def queue(plan: Plan, *, service_s: float, slots: int) -> list[Row]:
    """First come, first served by ``slots`` slots."""
    free = [0.0] * slots
    rows = []
    for index, at in enumerate(plan.schedule.times.tolist()):
        begin = max(at, heapq.heappop(free))
        heapq.heappush(free, begin + service_s)
        rows.append(Row(index, at, at, begin + service_s, 200, "", Outcome.ANSWERED, 100))
    return rows
