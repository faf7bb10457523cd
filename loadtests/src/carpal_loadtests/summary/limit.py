"""The part of the report on one deployment's limit: what was answered and how long it took, rate by rate."""

from __future__ import annotations

from carpal.reports import style
from carpal.reports.blocks import Drawing, Figure, Section, Source, Table
from carpal.reports.palette import LIGHT
from carpal_loadtests.limits.saturation import Probe, Saturation
from carpal_loadtests.slos import Slos
from carpal_loadtests.summary.evidence import Evidence
from carpal_loadtests.summary.plots import plain_log

MARKS = {"holds": "o", "fails": "X", "invalid": "s"}
TOLD = {"holds": "objectives kept", "fails": "not kept", "invalid": "invalid"}


def section(evidence: Evidence) -> Section | None:
    """Every trial of a search, with the limit that it found."""
    if evidence.saturation is None:
        return None
    path, found = evidence.saturation
    drawing, table = limit(found)
    caption = (
        f"Trials of {found.target}, one point each: circles kept {objectives(found.slos)}, crosses did not. On the "
        "dotted line everything that is offered is answered."
    )
    return Section(
        "The limit of one deployment",
        (conclusion(found),),
        figures=(Figure(drawing, caption, Source(str(path), "carpal load saturate", bool(found.emulated)), table),),
    )


def conclusion(found: Saturation) -> str:
    """The limit in a sentence, or why there is none."""
    most = f"the most that was answered is {found.maximum_per_s or 0.0:.4g} a second"
    if found.rate_per_s is None:
        why = f": {found.stopped_by}" if found.stopped_by else ""
        return f"No rate was confirmed{why}; {most}."
    failed = [probe.rate_per_s for probe in found.probes if probe.fate == "fails"]
    above = f"; {min(failed):.4g} did not" if failed else ""
    knee = f"; the knee lies at {found.knee_per_s:.4g}" if found.knee_per_s else ""
    kept = f"{found.rate_per_s:.4g} requests a second keep {objectives(found.slos)}, confirmed by a long run"
    stopped = f"; {found.stopped_by}" if found.stopped_by else ""
    return f"{kept}{above}{stopped}{knee}; {most}."


def objectives(slos: Slos) -> str:
    """Objectives in words, as far as they say how long an answer may take."""
    said = [f"p{100 * share:g} within {bound:g} ms" for _, share, bound in slos.latencies()]
    return " and ".join([*said, f"{slos.error_share:.0%} errors", f"{slos.shed_share:.0%} shed"])


def limit(found: Saturation) -> tuple[Drawing, Table]:
    """Answers and latency over the planned rate, above one another."""
    probes = sorted(found.probes, key=lambda probe: probe.rate_per_s)
    figure = style.plot(620, 420)
    answered = style.axes(figure, x="", y="answered (/s)", place=(2, 1, 1))
    took = style.axes(figure, x="requests planned a second", y="latency (ms)", place=(2, 1, 2))
    top = max(probe.rate_per_s for probe in probes)
    answered.plot([0, top], [0, top], linestyle=(0, (1, 2)), color=LIGHT.muted, linewidth=1.4)
    for probe in probes:
        answered.plot(
            [probe.rate_per_s],
            [probe.answered_per_s],
            MARKS[probe.fate],
            color=style.colour(0),
            markerfacecolor=style.colour(0) if probe.fate == "holds" else LIGHT.paper,
            markersize=8,
            zorder=5,
        )
    ends = []
    last = {probe.rate_per_s: probe for probe in probes}  # the long run's, where a rate was tried twice
    for series, name in enumerate(("p50", "p99")):
        points = [(rate, getattr(probe, f"{name}_ms")) for rate, probe in last.items()]
        known = [(rate, ms) for rate, ms in points if ms is not None]
        if known:
            style.line(took, [rate for rate, _ in known], [ms for _, ms in known], series, marker="o", markersize=5)
            ends.append(style.End(*known[-1], name, series))
    for panel in (answered, took):
        panel.set_xlim(0, 1.02 * top)
        if found.rate_per_s is not None:
            said = f"{found.rate_per_s:.4g}/s keep the objectives" if panel is answered else ""
            style.threshold(panel, found.rate_per_s, said, axis="x", end=found.rate_per_s > top / 2)
    answered.set_ylim(bottom=0)
    answered.tick_params(labelbottom=False)
    took.set_yscale("log")
    plain_log(took)
    style.label_ends(took, ends)
    alt = f"{len(probes)} trials up to {top:.4g} a second; {conclusion(found)}"
    return Drawing(style.svg(figure, "limit"), alt, 620), _table(found.probes)


def _table(probes: tuple[Probe, ...]) -> Table:
    heads = ("planned (/s)", "for (s)", "objectives", "answered (/s)", "p50 (ms)", "p99 (ms)", "first reason")
    rows = tuple(
        (one.rate_per_s, one.duration_s, TOLD[one.fate], one.answered_per_s, one.p50_ms, one.p99_ms, one.reason)
        for one in probes
    )
    return Table(heads, rows, "trials")
