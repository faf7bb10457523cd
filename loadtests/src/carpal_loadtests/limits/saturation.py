"""The limits of a service, as trials of one scenario at many rates show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from carpal.document import Document
from carpal_loadtests.limits.search import Search
from carpal_loadtests.machine import Machine
from carpal_loadtests.result import Result
from carpal_loadtests.slos import Slos


class Probe(Document):
    """One trial at one rate."""

    rate_per_s: float = Field(description="that was planned")
    duration_s: float
    fate: Literal["holds", "fails", "invalid"]
    answered_per_s: float = Field(description="good answers by the time they came, over the measurement")
    p50_ms: float | None = Field(description="from the intended send time")
    p99_ms: float | None
    reason: str = Field(description="the first of its verdict")
    folder: str


class Saturation(Document):
    """The limits of a service."""

    schema_: Literal["carpal.saturation/v1"] = Field(default="carpal.saturation/v1", alias="schema")
    slos: Slos = Field(description="the objectives that were kept or not")
    target: str = Field(description="base URL of the service")
    rate_per_s: float | None = Field(description="highest rate that keeps every objective; None where none was found")
    confirmed: bool = Field(description="whether a long run at that rate kept them too")
    tolerance: float = Field(description="the next rate that was tried and failed is at most this share above")
    blind: bool = Field(
        default=False, description="whether the generator hides what the service does just above that rate"
    )
    stopped_by: str | None = Field(description="why the search could not go on, the generator being the limit say")
    knee_per_s: float | None = Field(
        description="planned rate at which answers a second over median latency is highest (Kleinrock's power)"
    )
    maximum_per_s: float | None = Field(description="most answers a second that were seen, objectives kept or not")
    emulated: bool | None
    probes: tuple[Probe, ...] = Field(description="in the order in which they were tried")
    machine: Machine


def summed_up(found: Search, probes: Sequence[Probe], results: Sequence[Result], tolerance: float) -> Saturation:
    """The limits that a search and its probes show."""
    powered = [(probe.answered_per_s / probe.p50_ms, probe.rate_per_s) for probe in probes if probe.p50_ms]
    return Saturation(
        slos=results[0].scenario.slos,
        target=results[0].target.url,
        rate_per_s=found.rate if found.confirmed else None,
        confirmed=found.confirmed,
        tolerance=tolerance,
        blind=found.blind,
        stopped_by=found.stopped_by,
        knee_per_s=max(powered)[1] if powered else None,
        maximum_per_s=max((probe.answered_per_s for probe in probes), default=None),
        emulated=next((result.emulated for result in results if result.emulated is not None), None),
        probes=tuple(probes),
        machine=results[0].machine,
    )
