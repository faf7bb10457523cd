"""The pictures of the report, each with its data as a table."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from carpal.reports import style
from carpal.reports.blocks import Drawing, Table
from carpal.reports.palette import LIGHT
from carpal_loadtests.answers import Outcome
from carpal_loadtests.capacity.plan import Capacity
from carpal_loadtests.rows import Row
from carpal_loadtests.scaling.analysis import Scaling
from carpal_loadtests.scaling.laws import Coefficients
from carpal_loadtests.simulation.outcome import Bin
from carpal_loadtests.summary.evidence import Run

WIDE_PX = 960
LAW_NAMES = {"linear": "linear", "amdahl": "Amdahl", "usl": "USL"}
DASHES = {"linear": (0, (1, 2)), "amdahl": (0, (5, 2)), "usl": "-"}
HEAT_COLUMNS, HEAT_ROWS = 60, 24


def throughput(scaling: Scaling) -> tuple[Drawing, Table]:
    """Measured points, the three laws, and the best one's interval at each number of replicas."""
    figure = style.plot(620, 340)
    panel = style.axes(figure, x="replicas", y="requests answered a second")
    largest = max(point.replicas for point in scaling.points)
    reach = np.linspace(1, max(at.replicas for at in scaling.predictions), 120)
    within = scaling.predictions
    if all(at.interval.low is not None and at.interval.high is not None for at in within):
        low, high = [at.interval.low or 0.0 for at in within], [at.interval.high or 0.0 for at in within]
        style.band(panel, [at.replicas for at in within], low, high, 0)
    ends = []
    for series, law in enumerate(sorted(scaling.laws, key=lambda one: one.law != scaling.best)):
        numbers = Coefficients(law.lambda_per_s.value or 0.0, law.sigma.value or 0.0, law.kappa.value or 0.0)
        x, y = list(map(float, reach)), [numbers.throughput(float(at)) for at in reach]
        style.line(panel, x, y, series, linestyle=DASHES[law.law], linewidth=2.4 if series == 0 else 1.4)
        ends.append(style.End(x[-1], y[-1], LAW_NAMES[law.law] + (" (best)" if series == 0 else ""), series))
    xs, ys = [point.replicas for point in scaling.points], [point.throughput_per_s for point in scaling.points]
    panel.plot(xs, ys, "o", color=LIGHT.ink, markersize=6, zorder=5)
    top = 1.15 * max(*ys, *(at.throughput_per_s for at in within))
    panel.set_ylim(0, top)
    panel.set_xlim(left=0)
    if reach[-1] > largest:
        style.threshold(panel, largest, "measured up to here", axis="x", end=True)
    ends = [style.End(end.x, min(end.y, top), end.text, end.series) for end in ends]
    style.label_ends(panel, ends)
    table = Table(
        ("replicas", "measured (/s)", "best law (/s)", "interval low", "interval high", "efficiency", "reach"),
        tuple(
            (at.replicas, _measured(scaling, at.replicas), at.throughput_per_s, at.interval.low, at.interval.high,
             at.efficiency, at.reach)
            for at in scaling.predictions
        ),
        "throughput",
    )  # fmt: skip
    alt = (
        f"Throughput of 1 to {largest} replicas, from {min(ys):.0f} to {max(ys):.0f} a second; best law {scaling.best}"
    )
    return Drawing(style.svg(figure, "throughput"), alt, 620), table


def _measured(scaling: Scaling, replicas: int) -> float | None:
    values = [point.throughput_per_s for point in scaling.points if point.replicas == replicas]
    return sum(values) / len(values) if values else None


def latency(runs: Sequence[Run]) -> tuple[Drawing, Table]:
    """Percentiles of each run over the rate that it offered."""
    figure = style.plot()
    panel = style.axes(figure, x="requests offered a second", y="time from intended send to answer (ms)")
    known = [(run, run.result.figures.latency) for run in runs if run.result.figures.latency is not None]
    rows = tuple(
        (run.name, run.result.figures.offered_rate_per_s, run.result.figures.answered_rate_per_s, found.p50_ms,
         found.p95_ms, found.p99_ms, run.result.figures.counts.shed, run.result.verdict.outcome)
        for run, found in known
        if found is not None
    )  # fmt: skip
    ends = []
    for series, (name, column) in enumerate({"p50": 3, "p95": 4, "p99": 5}.items()):
        x, y = [float(row[1]) for row in rows], [float(row[column]) for row in rows]
        style.line(panel, x, y, series, marker="o", markersize=5)
        ends.append(style.End(x[-1], y[-1], name, series))
    panel.set_yscale("log")
    plain_log(panel)
    style.label_ends(panel, ends)
    heads = ("run", "offered (/s)", "answered (/s)", "p50 (ms)", "p95 (ms)", "p99 (ms)", "shed", "verdict")
    last = rows[-1]
    alt = f"Latency of {len(rows)} runs; at {last[1]:.0f} a second p50 is {last[3]:.0f} ms and p99 {last[5]:.0f} ms"
    return Drawing(style.svg(figure, "latency-load"), alt), Table(heads, rows, "latency-against-load")


def heatmap(run: Run) -> tuple[Drawing, Table]:
    """How many answers took how long, over the time of a run: darker is more."""
    answered = [(row.intended_s, row.latency_s * 1000) for row in run.rows if _took(row) and row.latency_s is not None]
    at_s, took_ms = np.array(answered).T
    took_ms = np.maximum(took_ms, 0.01)
    columns = np.linspace(0, float(at_s.max()) + 1e-9, HEAT_COLUMNS + 1)
    levels = np.logspace(log10(float(took_ms.min()) * 0.99), log10(float(took_ms.max()) * 1.01), HEAT_ROWS + 1)
    counts, _, _ = np.histogram2d(at_s, took_ms, bins=(columns, levels))
    figure = style.plot(WIDE_PX, 280)
    panel = style.axes(figure, x="intended send time (s from the start)", y="time to the answer (ms)")
    panel.grid(False)
    top = np.log1p(counts.max())
    for column, row in zip(*np.nonzero(counts), strict=True):
        width, height = columns[column + 1] - columns[column], levels[row + 1] - levels[row]
        share = float(np.log1p(counts[column, row]) / top)
        place = (float(columns[column]), float(levels[row]))
        panel.add_patch(
            Rectangle(place, float(width), float(height), color=style.colour(0), alpha=0.15 + 0.85 * share, linewidth=0)
        )
    panel.set_xlim(0, float(columns[-1]))
    panel.set_yscale("log")
    panel.set_ylim(float(levels[0]), float(levels[-1]))
    plain_log(panel)
    if run.result.scenario.warmup_s > 0:
        style.threshold(panel, run.result.scenario.warmup_s, "measured from here", axis="x")
    rows = tuple(
        (float(columns[column]), float(levels[row]), float(levels[row + 1]), int(counts[column, row]))
        for column, row in zip(*np.nonzero(counts), strict=True)
    )
    alt = f"Heatmap of {len(at_s)} answers of {run.name}, {took_ms.min():.0f} to {took_ms.max():.0f} ms"
    table = Table(("from (s)", "time from (ms)", "time to (ms)", "answers"), rows, "heatmap")
    return Drawing(style.svg(figure, "heatmap"), alt, WIDE_PX), table


def _took(row: Row) -> bool:
    return row.outcome is Outcome.ANSWERED and row.latency_s is not None


def timeline(bins: Sequence[Bin], bin_s: float, limit_ms: float) -> tuple[Drawing, Table]:
    """Arrivals, replicas and latency of a simulated policy, above one another on one clock."""
    at_s = [one.at_s for one in bins]
    figure = style.plot(WIDE_PX, 420)
    arrivals = style.axes(figure, x="", y="sent (/s)", place=(3, 1, 1))
    replicas = style.axes(figure, x="", y="replicas", place=(3, 1, 2))
    took = style.axes(figure, x="second of the load", y="latency (ms)", place=(3, 1, 3))
    style.line(arrivals, at_s, [one.sent_per_s for one in bins], 0, drawstyle="steps-post")
    style.line(replicas, at_s, [one.replicas for one in bins], 3, drawstyle="steps-post", linestyle=(0, (4, 2)))
    style.line(replicas, at_s, [one.ready for one in bins], 2, drawstyle="steps-post")
    for series, name in ((0, "p50_ms"), (1, "p95_ms")):
        style.line(took, at_s, [_or_nan(getattr(one, name)) for one in bins], series, drawstyle="steps-post")
    for panel in (arrivals, replicas):
        panel.set_ylim(bottom=0)
        panel.tick_params(labelbottom=False)
    took.set_yscale("log")
    plain_log(took)
    style.threshold(took, limit_ms, f"limit {limit_ms:g} ms")
    last = bins[-1]
    wanted = style.End(at_s[-1], last.replicas, "asked for", 3)
    style.label_ends(replicas, (wanted, style.End(at_s[-1], last.ready, "answering", 2)))
    style.label_ends(
        took, [style.End(at_s[-1], value, name, series) for series, (name, value) in enumerate(_last(bins).items())]
    )
    heads = ("from (s)", "sent (/s)", "replicas", "ready", "in flight", "p50 (ms)", "p95 (ms)", "p99 (ms)", "refused")
    rows = tuple(
        (
            one.at_s,
            one.sent_per_s,
            one.replicas,
            one.ready,
            one.in_flight,
            one.p50_ms,
            one.p95_ms,
            one.p99_ms,
            one.refused,
        )
        for one in bins
    )
    most = max(one.replicas for one in bins)
    alt = f"Simulated course over {at_s[-1] + bin_s:.0f} s: up to {most:.0f} replicas"
    return Drawing(style.svg(figure, "timeline"), alt, WIDE_PX), Table(heads, rows, "timeline")


def _last(bins: Sequence[Bin]) -> dict[str, float]:
    """The last known p50 and p95."""
    known = [one for one in bins if one.p50_ms is not None]
    return {"p50": known[-1].p50_ms or 0.0, "p95": known[-1].p95_ms or 0.0} if known else {}


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


def plain_log(panel: Axes) -> None:
    """Numbers as people write them on a logarithmic axis, at 1, 2 and 5."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    panel.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=12))
    panel.yaxis.set_minor_locator(NullLocator())
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def capacity(plan: Capacity) -> tuple[Drawing, Table]:
    """The parts of a plan as bars: the largest decides."""
    figure = style.plot(480, 60 + 34 * len(plan.steps))
    panel = style.axes(figure, x="replicas", y="")
    panel.grid(axis="y", visible=False)
    names, counts = [step.name for step in plan.steps], [step.replicas for step in plan.steps]
    places = list(range(len(counts)))[::-1]
    colours = [style.colour(0) if count == plan.replicas else LIGHT.muted for count in counts]
    panel.barh(places, counts, color=colours, height=0.6)
    panel.set_yticks(places, names)
    panel.set_xlim(0, 1.15 * max(counts))
    for place, count in zip(places, counts, strict=True):
        panel.annotate(f"{count}", (count, place), (4, 0), textcoords="offset points", va="center", color=LIGHT.ink)
    rows = tuple((step.name, step.replicas, step.reason) for step in plan.steps)
    alt = f"{plan.replicas} replicas: " + ", ".join(f"{step.replicas} for the {step.name}" for step in plan.steps)
    return Drawing(style.svg(figure, "capacity"), alt), Table(("for", "replicas", "reason"), rows, "capacity")


def nothing() -> Drawing:
    """An empty frame, for a report without any evidence."""
    figure = style.plot(480, 160)
    panel = style.axes(figure, x="replicas", y="requests answered a second")
    panel.set(xlim=(0, 8), ylim=(0, 1), yticks=[])
    panel.annotate("nothing was measured yet", (0.5, 0.5), xycoords="axes fraction", ha="center", color=LIGHT.ink)
    return Drawing(style.svg(figure, "nothing"), "An empty frame: nothing was measured yet", 480)
