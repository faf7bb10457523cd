"""``saturate``: trials of one scenario at many rates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from carpal.terminal import Terminal
from carpal_loadtests.arrivals import Poisson, choices, schedule
from carpal_loadtests.limits.saturation import Probe, Saturation, summed_up
from carpal_loadtests.limits.search import Fate, search
from carpal_loadtests.plan import Plan, weights
from carpal_loadtests.result import Result
from carpal_loadtests.target import Target
from carpal_loadtests.trial import Setting, Trial, keep, run_trial


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
