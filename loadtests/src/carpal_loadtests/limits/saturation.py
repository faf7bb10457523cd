"""``saturate``: trials of one scenario at many rates, and the curve that they draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from pydantic import Field

from carpal.document import Document
from carpal.terminal import Terminal
from carpal_loadtests.arrivals import Poisson, choices, schedule
from carpal_loadtests.limits.search import Fate, Search, search
from carpal_loadtests.machine import Machine
from carpal_loadtests.plan import Plan, weights
from carpal_loadtests.result import Result
from carpal_loadtests.target import Target
from carpal_loadtests.trial import Setting, Trial, keep, run_trial


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

    rate_per_s: float | None = Field(description="highest rate that keeps every objective; None where none was found")
    confirmed: bool = Field(description="whether a long run at that rate kept them too")
    tolerance: float = Field(description="the next rate that was tried and failed is at most this share above")
    stopped_by: str | None = Field(description="why the search could not go on, the generator being the limit say")
    knee_per_s: float | None = Field(
        description="planned rate at which answers a second over median latency is highest (Kleinrock's power)"
    )
    maximum_per_s: float | None = Field(description="most answers a second that were seen, objectives kept or not")
    emulated: bool | None
    probes: tuple[Probe, ...] = Field(description="in the order in which they were tried")
    machine: Machine


@dataclass
class Saturator:
    """Runs one scenario at one rate after the other.

    Args:
        plan: of the scenario; its payloads are kept, its arrivals replaced.
        target: of the plan.
        setting: where load goes.
        out: folder for one folder a trial.
        terminal: what is said meanwhile.
    """

    plan: Plan
    target: Target
    setting: Setting
    out: Path
    terminal: Terminal
    run: Callable[[Plan, Target, Setting, Path, Terminal], Trial] = run_trial
    probes: list[Probe] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    interrupted: bool = False
    """Whether a person stopped a trial: no other is made then, and what is known is summed up."""

    def saturate(self, *, start: float, most: float, tolerance: float, probe_s: float, confirm_s: float) -> Saturation:
        """Search, confirm, and sum up."""
        found = search(
            lambda rate: self.trial(rate, probe_s, proof=False),
            lambda rate: self.trial(rate, confirm_s, proof=True),
            start=start,
            most=most,
            tolerance=tolerance,
        )
        if self.interrupted:
            found.stopped_by = "interrupted: what is known until then is all there is"
        return summed_up(found, self.probes, self.results, tolerance)

    def trial(self, rate: float, duration_s: float, *, proof: bool) -> Fate:
        """One run; only the long one has to prove its percentiles, a short one has too few requests for that."""
        if self.interrupted:
            return "invalid"
        number = len(self.probes)
        folder = self.out / f"{number:02d}-{rate:.4g}-per-s"
        planned = at_rate(self.plan, rate, duration_s, seed=self.plan.scenario.seed + number, proof=proof)
        trial = self.run(planned, self.target, self.setting, folder, self.terminal)
        keep(trial, folder)
        self.interrupted = trial.measurement.interrupted
        probe = probe_of(trial, rate, folder)
        self.probes.append(probe)
        self.results.append(trial.result)
        self.terminal.say(
            f"{rate:.4g}/s for {duration_s:g} s {probe.fate}: {probe.answered_per_s:.4g}/s answered; {probe.reason}"
        )
        return probe.fate


def at_rate(plan: Plan, rate: float, duration_s: float, *, seed: int, proof: bool) -> Plan:
    """The same payloads as Poisson arrivals of a rate."""
    arrivals = Poisson(rate_per_s=rate, duration_s=duration_s)
    slos = plan.scenario.slos
    scenario = plan.scenario.model_copy(
        update={
            "arrivals": arrivals,
            "seed": seed,
            "slos": slos if proof else slos.model_copy(update={"confidence": None}),
        }
    )
    times = schedule(arrivals, warmup_s=scenario.warmup_s, seed=seed)
    chosen = choices(len(times.times), weights(plan.payloads), seed=seed)
    return replace(plan, scenario=scenario, schedule=times, chosen=chosen)


def probe_of(trial: Trial, rate: float, folder: Path) -> Probe:
    """What a trial says of its rate."""
    result, latency = trial.result, trial.result.figures.latency
    fates: dict[str, Fate] = {"pass": "holds", "fail": "fails", "invalid": "invalid"}
    begin = result.scenario.warmup_s
    came = sum(
        row.outcome.value == "answered" and row.end_s is not None and begin <= row.end_s < begin + result.duration_s
        for row in trial.measurement.rows
    )
    return Probe(
        rate_per_s=rate,
        duration_s=result.duration_s,
        fate=fates[result.verdict.outcome],
        answered_per_s=came / result.duration_s,
        p50_ms=latency.p50_ms if latency else None,
        p99_ms=latency.p99_ms if latency else None,
        reason=result.verdict.reasons[0] if result.verdict.reasons else "",
        folder=str(folder),
    )


def summed_up(found: Search, probes: Sequence[Probe], results: Sequence[Result], tolerance: float) -> Saturation:
    """The limits that a search and its probes show."""
    powered = [(probe.answered_per_s / probe.p50_ms, probe.rate_per_s) for probe in probes if probe.p50_ms]
    return Saturation(
        rate_per_s=found.rate if found.confirmed else None,
        confirmed=found.confirmed,
        tolerance=tolerance,
        stopped_by=found.stopped_by,
        knee_per_s=max(powered)[1] if powered else None,
        maximum_per_s=max((probe.answered_per_s for probe in probes), default=None),
        emulated=next((result.emulated for result in results if result.emulated is not None), None),
        probes=tuple(probes),
        machine=results[0].machine,
    )
