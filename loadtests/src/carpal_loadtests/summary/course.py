"""The course of a measured run, second by second: arrivals and their fate, replicas where recorded, latency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from carpal.reports import style
from carpal.reports.blocks import Drawing, Figure, Section, Source, Table
from carpal_loadtests.cluster import READY, WANTED
from carpal_loadtests.summary.evidence import Evidence, Run
from carpal_loadtests.summary.plots import WIDE_PX, plain_log
from carpal_loadtests.timeline import timeline

MOST = 6
COUNTS = ("offered", "answered", "shed", "failed")
Entries = Sequence[dict[str, Any]]


def section(evidence: Evidence) -> Section | None:
    """The course of every run whose rate changes or whose replicas were recorded; six of them at most."""
    chosen = [run for run in evidence.runs if run.rows and (changes(run) or run.samples)][:MOST]
    if not chosen:
        return None
    figures = []
    for run in chosen:
        drawing, table = course(run)
        events = run.result.watched.events
        told = f" Kubernetes left {len(events)} events, which are in its result." if events else ""
        source = Source(str(run.folder), "carpal load run", bool(run.result.emulated))
        said = run.result.scenario.description.rstrip(".")
        figures.append(Figure(drawing, f"The run {run.name}: {said}.{told}", source, table))
    return Section("How runs went", figures=tuple(figures))


def changes(run: Run) -> bool:
    """Whether its rate is not the same from beginning to end."""
    return bool(run.result.parts) or run.result.scenario.arrivals.kind in ("sine", "ramp", "replay")


def course(run: Run) -> tuple[Drawing, Table]:
    """Panels above one another on one clock, with every second as a table."""
    entries = timeline(run.rows, run.samples)
    keys = tuple(f"{name}{{{run.samples[0].labels}}}" for name in (WANTED, READY)) if run.samples else ()
    rows = 3 if keys else 2
    figure = style.plot(WIDE_PX, 140 * rows)
    fates = style.axes(figure, x="", y="requests (/s)", place=(rows, 1, 1))
    _counts(fates, entries, {name: name for name in COUNTS if any(entry[name] for entry in entries)})
    if keys:
        pods = style.axes(figure, x="", y="replicas", place=(rows, 1, 2))
        _counts(pods, entries, dict(zip(keys, ("asked for", "ready"), strict=True)), first=4)
    took = style.axes(figure, x="second of the run", y="latency (ms)", place=(rows, 1, rows))
    _latencies(took, entries)
    took.set_xlim(fates.get_xlim())
    most = max(entry["offered"] for entry in entries)
    alt = f"Course of {run.name} over {len(entries)} s: up to {most} requests a second"
    if keys:
        alt += f", up to {max(_held(entries, keys[0])):.0f} replicas"
    drawing = Drawing(style.svg(figure, f"course-{run.name}"), alt, WIDE_PX)
    return drawing, _table(run, entries, keys)


def _counts(panel: Axes, entries: Entries, named: Mapping[str, str], first: int = 0) -> None:
    """Steps of so many a second, the first dashed: it is what was asked for, the others are what came of it."""
    at_s, ends = [float(entry["second"]) for entry in entries], []
    for series, (key, name) in enumerate(named.items(), first):
        counts = _held(entries, key)
        dashes: Any = (0, (4, 2)) if series == first else "-"
        style.line(panel, at_s, counts, series, drawstyle="steps-post", linestyle=dashes)
        ends.append(style.End(at_s[-1], counts[-1], name, series))
    panel.set_ylim(bottom=0)
    panel.tick_params(labelbottom=False)
    style.label_ends(panel, ends)


def _latencies(panel: Axes, entries: Entries) -> None:
    ends = []
    for series, name in enumerate(("p50_ms", "p95_ms")):
        known = [(float(entry["second"]), entry[name]) for entry in entries if entry[name] is not None]
        if known:
            at_s, values = (list(column) for column in zip(*known, strict=True))
            style.line(panel, at_s, values, series)
            ends.append(style.End(at_s[-1], values[-1], name.removesuffix("_ms"), series))
    panel.set_yscale("log")
    plain_log(panel)
    style.label_ends(panel, ends)


def _held(entries: Entries, key: str) -> list[float]:
    """The values of a key; a second without a look has that of the one before."""
    values = [entry.get(key) for entry in entries]
    last, held = next((value for value in values if value is not None), 0.0), []
    for value in values:
        last = last if value is None else value
        held.append(last)
    return held


def _table(run: Run, entries: Entries, more: tuple[str, ...]) -> Table:
    names = ("second", *COUNTS, "dropped", "in_flight", "p50_ms", "p95_ms", "p99_ms", *more)
    return Table(
        tuple(name.partition("{")[0] for name in names),
        tuple(tuple(entry.get(name) for name in names) for entry in entries),
        f"course-{run.name}",
    )
