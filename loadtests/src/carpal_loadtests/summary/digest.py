"""The report for machines: the same answer, the same advice, and the figures behind them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from carpal.document import Document
from carpal_loadtests.capacity.plan import Capacity
from carpal_loadtests.limits.saturation import Saturation
from carpal_loadtests.scaling.analysis import Scaling
from carpal_loadtests.summary.advice import advice, answer
from carpal_loadtests.summary.evidence import Evidence


class RunDigest(Document):
    """One load test in a line."""

    folder: str
    outcome: Literal["pass", "fail", "invalid"]
    offered_rate_per_s: float
    answered_rate_per_s: float
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    shed: int
    failed: int
    emulated: bool | None


class PolicyDigest(Document):
    """One simulated policy in a line."""

    name: str
    in_time_share: float
    p99_ms: float | None
    mean_replicas: float
    replica_hours: float
    best: bool


class Digest(Document):
    """How a service scales."""

    schema_: Literal["carpal.scalability/v1"] = Field(default="carpal.scalability/v1", alias="schema")
    answer: str
    advice: tuple[str, ...]
    missing: tuple[str, ...] = Field(description="what the report lacks, with the command that makes it")
    emulated: bool = Field(description="whether any figure comes from an engine that slept instead of computing")
    scaling: Scaling | None
    saturation: Saturation | None
    capacity: Capacity | None
    policies: tuple[PolicyDigest, ...]
    runs: tuple[RunDigest, ...]


def digest(evidence: Evidence) -> Digest:
    """Say what the page says."""
    simulated = evidence.simulated[1] if evidence.simulated else None
    return Digest(
        answer=answer(evidence),
        advice=tuple(advice(evidence)),
        missing=evidence.missing,
        emulated=evidence.emulated,
        scaling=evidence.scaling[1] if evidence.scaling else None,
        saturation=evidence.saturation[1] if evidence.saturation else None,
        capacity=evidence.capacity[1] if evidence.capacity else None,
        policies=tuple(
            PolicyDigest(
                name=name,
                in_time_share=one.in_time_share,
                p99_ms=one.p99_ms,
                mean_replicas=one.mean_replicas,
                replica_hours=one.replica_hours,
                best=name == simulated.best,
            )
            for name, one in simulated.outcomes.items()
        )
        if simulated
        else (),
        runs=tuple(
            RunDigest(
                folder=str(run.folder),
                outcome=run.result.verdict.outcome,
                offered_rate_per_s=run.result.figures.offered_rate_per_s,
                answered_rate_per_s=run.result.figures.answered_rate_per_s,
                p50_ms=run.result.figures.latency.p50_ms if run.result.figures.latency else None,
                p95_ms=run.result.figures.latency.p95_ms if run.result.figures.latency else None,
                p99_ms=run.result.figures.latency.p99_ms if run.result.figures.latency else None,
                shed=run.result.figures.counts.shed,
                failed=run.result.figures.counts.failed,
                emulated=run.result.emulated,
            )
            for run in evidence.runs
        ),
    )
