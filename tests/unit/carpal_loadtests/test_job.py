"""A job carries everything, and the words of several processes become one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from carpal.records.record import Model
from carpal_loadtests.job import Answerer, Job, Summary, read_plan, together, write_job
from carpal_loadtests.plan import make_plan


def model(name: str) -> Model:
    zero = "sha256:" + "0" * 64
    return Model(name=name, version="1", digest=zero, variant="m", engine="e", engine_version="1", precision="float32")


def test_a_plan_comes_back_from_its_job(scenario: Callable[..., Any], tmp_path: Path) -> None:
    chosen = scenario(kind="poisson", bad_share=0.5, warmup_s=1)
    plan = replace(make_plan(chosen, tmp_path), target="http://127.0.0.1:1", model="m", digest="sha256:1")
    path = write_job(plan, tmp_path, 2)
    job = Job.parse_json(path.read_bytes(), source=path)
    again = read_plan(job)
    assert job.workers == 2
    np.testing.assert_array_equal(again.schedule.times, plan.schedule.times)
    assert list(again.calls(1, 2)) == list(plan.calls(1, 2))
    assert [(one.body, one.bad, one.media_type) for one in again.payloads] == [
        (one.body, one.bad, one.media_type) for one in plan.payloads
    ]
    assert (again.target, again.model, again.digest, again.scenario) == (plan.target, "m", "sha256:1", chosen)
    assert (again.schedule.warmup_s, again.schedule.duration_s) == (1, 1)


def test_several_summaries_become_one_that_holds_for_all() -> None:
    one = Summary(
        started="2026-11-23T00:00:00Z",
        elapsed_s=3.0,
        cpu_share=0.2,
        retries=2,
        answerers=(Answerer(model=model("a"), answers=3),),
        finished=True,
    )
    other = one.model_copy(
        update={
            "cpu_share": 0.9,
            "pause_p99_ms": 4.0,
            "elapsed_s": 2.0,
            "answerers": (Answerer(model=model("a"), answers=4), Answerer(model=model("b"), answers=9)),
        }
    )
    both = together([one, other])
    assert both.pause_p99_ms == 4.0
    assert (both.cpu_share, both.elapsed_s, both.retries, both.finished) == (0.9, 3.0, 4, True)
    assert [(answerer.model.name, answerer.answers) for answerer in both.answerers] == [("b", 9), ("a", 7)]
    stopped = one.model_copy(update={"finished": False, "stopped_by": "the disk is full"})
    assert together([one, stopped]).stopped_by == "the disk is full"
    assert not together([one, stopped]).finished
