"""The page: S in a sentence and one picture, then what to do and what it rests on, then the details, folded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import yaml

from carpal.reports.blocks import Fact, Figure, Page, Section, Source, Table
from carpal_loadtests.scaling.analysis import Scaling
from carpal_loadtests.summary import course, details, few, limit, plots
from carpal_loadtests.summary.advice import advice, answer
from carpal_loadtests.summary.evidence import Evidence

TITLE = "carpal: how it scales"


def page(evidence: Evidence) -> Page:
    """The report of whatever there is; what is missing is said with the command that makes it."""
    found = [section for make in PARTS if (section := make(evidence)) is not None]
    first = found[0].figures[0] if found else _nothing()
    rest = [replace(found[0], figures=found[0].figures[1:]), *found[1:]] if found else []
    missing = tuple(f"Missing here: {one}" for one in evidence.missing)
    return Page(
        title=TITLE,
        answer=answer(evidence),
        picture=first,
        facts=tuple(_tiles(evidence)),
        sections=(
            Section("What to do", paragraphs=(*advice(evidence), *missing)),
            *(section for section in rest if section.paragraphs or section.figures or section.tables or section.text),
            *details.sections(evidence),
        ),
        footer=tuple(_footer(evidence)),
    )


def _throughput(evidence: Evidence) -> Section | None:
    if evidence.scaling is None:
        return None
    path, scaling = evidence.scaling
    drawing, table = plots.throughput(scaling)
    caption = (
        f"Requests answered a second by so many replicas: points are measured, lines are laws, the band holds "
        f"{scaling.level:.0%} of {scaling.resamples} resamples. {scaling.note}"
    ).strip()
    source = Source(str(path), "carpal load scale", bool(scaling.emulated))
    return Section(
        "Throughput against replicas",
        (_law_words(scaling),),
        figures=(Figure(drawing, caption, source, table),),
        tables=(_laws(scaling),),
    )


def _law_words(scaling: Scaling) -> str:
    law = scaling.law
    return (
        f"The best law is {plots.LAW_NAMES[law.law]}, with a weight of {law.weight:.0%} among the three: one replica "
        f"does {law.lambda_per_s.value:.4g} a second, {law.sigma.value:.2%} of the work is done one after the other, "
        f"and agreement costs {law.kappa.value:.2g} a pair."
    )


def _laws(scaling: Scaling) -> Table:
    heads = (
        "law",
        "lambda (/s)",
        "sigma",
        "sigma low",
        "sigma high",
        "kappa",
        "kappa low",
        "kappa high",
        "AIC",
        "weight",
    )
    return Table(
        heads,
        tuple(
            (one.law, one.lambda_per_s.value, one.sigma.value, one.sigma.interval.low, one.sigma.interval.high,
             one.kappa.value, one.kappa.interval.low, one.kappa.interval.high, one.aic, one.weight)
            for one in scaling.laws
        ),
        "laws",
    )  # fmt: skip


def _latency(evidence: Evidence) -> Section | None:
    runs = [run for run in evidence.runs if run.result.figures.latency is not None]
    if not runs:
        return None
    drawing, table = plots.latency(runs)
    source = Source(", ".join(str(run.folder) for run in runs), "carpal load run", any(r.result.emulated for r in runs))
    caption = "Latency from the intended send time over the offered rate, one point a run."
    return Section("Latency against load", figures=(Figure(drawing, caption, source, table),))


def _timeline(evidence: Evidence) -> Section | None:
    if evidence.simulated is None:
        return None
    path, simulated = evidence.simulated
    name = simulated.best or simulated.nearest
    outcome = simulated.outcomes[name]
    drawing, table = plots.timeline(outcome.bins, simulated.bin_s, simulated.setup.limit_ms)
    caption = (
        f"Simulated, not measured: the load {simulated.setup.name} under the policy {name}, in steps of "
        f"{simulated.bin_s:g} s. Service times are those of {simulated.service.source}."
    )
    source = Source(str(path), "carpal load simulate", bool(simulated.service.emulated))
    heads = (
        "policy",
        "in time",
        "p50 (ms)",
        "p95 (ms)",
        "p99 (ms)",
        "refused",
        "mean replicas",
        "most",
        "replica hours",
    )
    policies = tuple(
        (f"{one} (best)" if one == simulated.best else one, found.in_time_share, found.p50_ms, found.p95_ms,
         found.p99_ms, found.refused, found.mean_replicas, found.most_replicas, found.replica_hours)
        for one, found in simulated.outcomes.items()
    )  # fmt: skip
    values = yaml.safe_dump(dict(simulated.chart_values), sort_keys=False) if simulated.chart_values else ""
    return Section(
        "Autoscaling",
        figures=(Figure(drawing, caption, source, table),),
        tables=(Table(heads, policies, "policies"),),
        text=f"# values of charts/detector for the policy {name}\n{values}" if values else "",
    )


def _heatmap(evidence: Evidence) -> Section | None:
    runs = [run for run in evidence.runs if run.result.figures.latency is not None]
    if not runs:
        return None
    run = runs[-1]
    drawing, table = plots.heatmap(run)
    source = Source(str(run.folder / "requests"), "carpal load run", bool(run.result.emulated))
    caption = f"The run {run.name}, {run.result.figures.offered_rate_per_s:.4g} a second: darker is more answers."
    return Section("Where the time went", figures=(Figure(drawing, caption, source, table),))


def _capacity(evidence: Evidence) -> Section | None:
    if evidence.capacity is None:
        return None
    path, plan = evidence.capacity
    emulated = " The service times are of an emulated engine." if plan.demand.service.emulated else ""
    source = Source(str(path), "carpal load capacity", bool(plan.demand.service.emulated))
    facts = [
        Fact("busy slots, share of their time", plan.steady.busy, "", source),
        Fact("late, share of requests", round(plan.steady.late_share, 6), "", source),
        Fact("late with the spare replicas lost", round(plan.degraded.late_share, 6), "", source),
    ]
    if plan.spike:
        facts += [
            Fact("refused in the spike", plan.spike.shed, "requests", source),
            Fact("longest wait in the spike", plan.spike.longest_wait_s * 1000, "ms", source),
        ]
    drawing, steps = plots.capacity(plan)
    caption = f"Replicas for {plan.demand.rate_per_s:g} requests a second, and what asks for them."
    return Section(
        "Capacity",
        (f"Computed by queueing theory from {plan.demand.service.source}, not measured.{emulated}",),
        facts=tuple(facts),
        figures=(Figure(drawing, caption, source),),
        tables=(steps,),
    )


# The first one's picture stands on the first screen.
PARTS: tuple[Callable[[Evidence], Section | None], ...] = (
    _throughput,
    few.section,
    limit.section,
    _latency,
    course.section,
    _timeline,
    _heatmap,
    _capacity,
)


def _nothing() -> Figure:
    drawing = plots.nothing()
    return Figure(drawing, "Nothing was given to report on.", Source("nothing", "carpal load report"))


def _tiles(evidence: Evidence) -> Iterator[Fact]:
    if evidence.scaling:
        path, scaling = evidence.scaling
        source = Source(str(path), "carpal load scale", bool(scaling.emulated))
        largest = max(point.replicas for point in scaling.points)
        at = next(one for one in scaling.predictions if one.replicas == largest)
        yield Fact("one replica answers", scaling.law.lambda_per_s.value, "/s", source)
        yield Fact(f"efficiency of {largest} replicas", 100 * at.efficiency, "%", source)
        peak = scaling.peak_replicas.value if (scaling.peak_reach or 3) <= 2 else None
        yield Fact("throughput peaks at", "not in reach" if peak is None else round(peak), "", source)
    if evidence.saturation:
        path, limits = evidence.saturation
        source = Source(str(path), "carpal load saturate", bool(limits.emulated))
        if limits.rate_per_s is not None:
            yield Fact("one deployment keeps its objectives at", limits.rate_per_s, "/s", source)
        yield Fact("most that was answered", limits.maximum_per_s, "/s", source)
    if evidence.capacity:
        path, plan = evidence.capacity
        source = Source(str(path), "carpal load capacity", bool(plan.demand.service.emulated))
        yield Fact(f"replicas for {plan.demand.rate_per_s:g}/s", plan.replicas, "", source)
        if plan.cost:
            yield Fact("a million images cost", plan.cost.per_million_images, plan.cost.currency, source)
    if evidence.simulated:
        path, simulated = evidence.simulated
        outcome = simulated.outcomes[simulated.best or simulated.nearest]
        source = Source(str(path), "carpal load simulate", bool(simulated.service.emulated))
        yield Fact("in time by the best policy, simulated", 100 * outcome.in_time_share, "%", source)


def _footer(evidence: Evidence) -> Iterator[str]:
    if evidence.emulated:
        yield (
            "An emulated engine sleeps instead of computing: such figures show how everything around the model scales, "
            "and nothing of the model."
        )
    yield "Research software, not a medical device. Made by carpal load report."
