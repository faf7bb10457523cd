"""The part of the report on replicas that are too few for a law: what each number of them answered, and no more."""

from __future__ import annotations

from collections.abc import Sequence

from carpal.reports import style
from carpal.reports.blocks import Drawing, Figure, Section, Source, Table
from carpal.reports.palette import LIGHT
from carpal_loadtests.scaling.points import LEAST_POINTS, Point
from carpal_loadtests.summary.evidence import Evidence


def section(evidence: Evidence) -> Section | None:
    """Points that were given by themselves, as N=FOLDER."""
    points = sorted(evidence.points, key=lambda point: point.replicas)
    if not points:
        return None
    drawing, table = few(points)
    source = Source(", ".join(point.source for point in points), "carpal load run", any(p.emulated for p in points))
    caption = f"Measured; fewer than {LEAST_POINTS} points say no law. The dotted line is the first one, multiplied."
    return Section("Replicas by themselves", (conclusion(points),), figures=(Figure(drawing, caption, source, table),))


def conclusion(points: Sequence[Point]) -> str:
    """What the first and the last of them did."""
    engine = "an emulated engine" if any(point.emulated for point in points) else "the real engine"
    first, last = points[0], points[-1]
    said = f"With {engine} {_replicas(first.replicas)} answered {first.throughput_per_s:.4g} requests a second"
    if last.replicas == first.replicas:
        return f"{said}."
    share = _efficiency(last, first)
    return f"{said}, {_replicas(last.replicas)} {last.throughput_per_s:.4g}: {share:.0%} of as many times the first."


def few(points: Sequence[Point]) -> tuple[Drawing, Table]:
    """Points, and what they would be if nothing stood in the way."""
    first = points[0]
    each = first.throughput_per_s / first.replicas
    most = points[-1].replicas
    figure = style.plot(480, 280)
    panel = style.axes(figure, x="replicas", y="requests answered a second")
    panel.plot([0, most], [0, most * each], linestyle=(0, (1, 2)), color=LIGHT.muted, linewidth=1.4)
    for point in points:
        panel.plot([point.replicas], [point.throughput_per_s], "o", color=style.colour(0), markersize=8, zorder=5)
        panel.annotate(
            f"{point.throughput_per_s:.3g}", (point.replicas, point.throughput_per_s), (0, -18), color=LIGHT.ink,
            textcoords="offset points", ha="center",
        )  # fmt: skip
    panel.set_xlim(0, most + 0.5)
    panel.set_ylim(0, 1.15 * max(most * each, *(point.throughput_per_s for point in points)))
    panel.set_xticks([point.replicas for point in points])
    rows = tuple((point.replicas, point.throughput_per_s, _efficiency(point, first), point.source) for point in points)
    alt = f"Throughput of {len(points)} numbers of replicas: {conclusion(points)}"
    table = Table(("replicas", "answered (/s)", "efficiency", "run"), rows, "few")
    return Drawing(style.svg(figure, "few"), alt, 480), table


def _efficiency(point: Point, first: Point) -> float:
    return point.throughput_per_s / point.replicas / (first.throughput_per_s / first.replicas)


def _replicas(count: int) -> str:
    return "one replica" if count == 1 else f"{count} replicas"
