"""What the command hands to the processes that send the load, and what it hears back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from carpal.document import Document
from carpal.records.record import Finding, Model
from carpal_loadtests.arrivals import Schedule
from carpal_loadtests.payloads import Payload
from carpal_loadtests.pixels import Tensor
from carpal_loadtests.plan import Plan
from carpal_loadtests.scenario import Scenario


class Body(Document):
    """One payload, its body in a file."""

    path: Path
    name: str
    media_type: str
    bad: bool
    tensor: Tensor | None


class Job(Document):
    """Everything that a load process needs; it reads no scenario folder and draws nothing."""

    scenario: Scenario
    target: str = Field(description="base URL without a trailing slash; HOST:PORT for gRPC")
    model: str
    digest: str | None = Field(description="of the package, as the target declares it")
    warmup_s: float
    duration_s: float
    calls: Path = Field(description="numpy file with times and chosen payloads of the whole schedule")
    payloads: tuple[Body, ...]
    findings: Mapping[str, Sequence[Finding]]
    rows: Path = Field(description="folder where each worker writes its rows as requests end")
    workers: Annotated[int, Field(ge=1)]


class Ready(Document):
    """The first line of a load process: it has loaded everything and waits for the time of second 0."""

    kind: Literal["ready"] = "ready"


class Progress(Document):
    """One line of a load process, about twice a second."""

    kind: Literal["progress"] = "progress"
    offered: int
    ended: int
    at_s: float = Field(description="second of the run")
    in_flight: int = Field(description="requests on the way, as the process itself counts them")


class Answerer(Document):
    """A model that answered, and how often: two of them after a roll-out, one otherwise."""

    model: Model
    answers: Annotated[int, Field(ge=1)]


class Summary(Document):
    """The last line of a load process; of several processes, what holds for all of them."""

    kind: Literal["summary"] = "summary"
    started: str | None = Field(description="RFC 3339 time of second 0, UTC; None where it was stopped before")
    elapsed_s: float = Field(description="from second 0 until the last request ended or the run was stopped")
    cpu_share: float = Field(description="CPU time of the process while it sent, share of one core; of the busiest")
    pause_p99_ms: float = Field(
        default=0.0, description="how late the process was at moments that no request sets; of the latest process"
    )
    retries: int = Field(default=0, description="further attempts that were made")
    answerers: tuple[Answerer, ...]
    finished: bool = Field(description="false where the run was stopped before its end")
    stopped_by: str | None = Field(default=None, description="why the process itself stopped, a full disk say")


def write_job(plan: Plan, folder: Path, workers: int) -> Path:
    """Write a plan for its load processes; gives the file to hand them."""
    bodies = []
    for number, payload in enumerate(plan.payloads):
        file = folder / f"payload-{number:04d}"
        file.write_bytes(payload.body)
        bodies.append(
            Body(path=file, name=payload.name, media_type=payload.media_type, bad=payload.bad, tensor=payload.tensor)
        )
    calls = folder / "calls.npz"
    np.savez(calls, times=plan.schedule.times, chosen=plan.chosen)
    job = Job(
        scenario=plan.scenario,
        target=plan.target,
        model=plan.model,
        digest=plan.digest,
        warmup_s=plan.schedule.warmup_s,
        duration_s=plan.schedule.duration_s,
        calls=calls,
        payloads=tuple(bodies),
        findings=dict(plan.findings),
        rows=folder,
        workers=workers,
    )
    path = folder / "job.json"
    path.write_bytes(job.to_json())
    return path


def read_plan(job: Job) -> Plan:
    """The plan that a job holds."""
    with np.load(job.calls) as calls:
        times, chosen = calls["times"], calls["chosen"]
    return Plan(
        scenario=job.scenario,
        schedule=Schedule(times, job.warmup_s, job.duration_s),
        payloads=tuple(
            Payload(one.name, one.media_type, one.path.read_bytes(), bad=one.bad, tensor=one.tensor)
            for one in job.payloads
        ),
        chosen=chosen,
        target=job.target,
        model=job.model,
        digest=job.digest,
        findings=job.findings,
    )


def together(summaries: Sequence[Summary]) -> Summary:
    """One summary of all processes of a run."""
    counts: dict[Model, int] = {}
    for one in (one for summary in summaries for one in summary.answerers):
        counts[one.model] = counts.get(one.model, 0) + one.answers
    return Summary(
        started=min((one.started for one in summaries if one.started), default=None),
        elapsed_s=max(one.elapsed_s for one in summaries),
        cpu_share=max(one.cpu_share for one in summaries),
        pause_p99_ms=max(one.pause_p99_ms for one in summaries),
        retries=sum(one.retries for one in summaries),
        answerers=tuple(
            Answerer(model=model, answers=count) for model, count in sorted(counts.items(), key=lambda pair: -pair[1])
        ),
        finished=all(one.finished for one in summaries),
        stopped_by=next((one.stopped_by for one in summaries if one.stopped_by), None),
    )
