"""The plots of the report, each with its data as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes

from carpal.reports import style
from carpal.reports.blocks import Drawing, Panels, Table
from carpal.reports.palette import LIGHT

Curve = tuple[Sequence[float], Sequence[float]]


@dataclass(frozen=True)
class Request:
    """One request of the load test; times in seconds from the start, None where it never was."""

    index: int
    intended_s: float
    start_s: float | None
    end_s: float | None
    outcome: str

    @property
    def latency_ms(self) -> float | None:
        """From the intended send time, in ms."""
        return None if self.end_s is None else (self.end_s - self.intended_s) * 1000

    @property
    def service_ms(self) -> float | None:
        """From the true send time, in ms."""
        return None if self.end_s is None or self.start_s is None else (self.end_s - self.start_s) * 1000


def losses(epochs: Sequence[Mapping[str, float | None]]) -> tuple[Drawing, Table]:
    """The three parts of the loss over the epochs."""
    names = {"box_loss": "box", "class_loss": "class", "dfl_loss": "distribution"}
    return _over_epochs(epochs, names, "loss, mean an image (no unit)", "losses", None)


def accuracy(epochs: Sequence[Mapping[str, float | None]]) -> tuple[Drawing, Table]:
    """Mean average precision over the epochs."""
    names = {"map50": "mAP50", "map50_95": "mAP50-95"}
    return _over_epochs(epochs, names, "mean average precision (0 to 1)", "accuracy", 1.0)


def _over_epochs(
    epochs: Sequence[Mapping[str, float | None]], names: Mapping[str, str], unit: str, name: str, top: float | None
) -> tuple[Drawing, Table]:
    figure = style.plot()
    panel = style.axes(figure, x="epoch", y=unit)
    ends = []
    for series, (key, label) in enumerate(names.items()):
        points = [(row["epoch"], row[key]) for row in epochs]
        known = [(x, y) for x, y in points if x is not None and y is not None]
        if known:
            style.line(panel, [x for x, _ in known], [y for _, y in known], series, marker="o", markersize=4)
            ends.append(style.End(known[-1][0], known[-1][1], f"{label} {known[-1][1]:.2f}", series))
    panel.set_ylim(0, top)
    panel.set_xticks(_whole(1, max(len(epochs), 1)))
    style.label_ends(panel, ends)
    table = Table(("epoch", *names), tuple((_int(row["epoch"]), *(row[key] for key in names)) for row in epochs), name)
    last = ", ".join(end.text for end in ends)
    return Drawing(style.svg(figure, name), f"{unit} over {len(epochs)} epochs; at the end {last}"), table


def precision_recall(curves: Mapping[str, Curve], ap50: Mapping[str, float | None]) -> tuple[Panels, Table]:
    """A panel a class: precision over recall at IoU 0.5, for classes with at least one instance."""
    drawings = []
    for name, (recall, precision) in curves.items():
        value = ap50.get(name)
        figure = style.plot(230, 190)
        panel = style.axes(figure, x="recall", y="precision", title=name if value is None else f"{name} {value:.2f}")
        panel.fill_between(recall, precision, color=style.colour(0), alpha=0.15, linewidth=0)
        style.line(panel, recall, precision, 0)
        panel.set(xlim=(0, 1.02), ylim=(0, 1.05), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
        alt = f"Precision over recall for {name}" + ("" if value is None else f", AP50 {value:.2f}")
        drawings.append(Drawing(style.svg(figure, f"pr-{name}"), alt, 230))
    rows = tuple((name, float(r), float(p)) for name, curve in curves.items() for r, p in zip(*curve, strict=True))
    return Panels(tuple(drawings)), Table(("class", "recall", "precision"), rows, "precision-recall")


def latency(requests: Sequence[Request], limits: Mapping[str, tuple[float, float]]) -> tuple[Drawing, Table]:
    """The share of answered requests that took at most so long.

    Args:
        requests: of the measurement, without the warm-up.
        limits: objective name to (share of requests, limit in ms).
    """
    answered = [request for request in requests if request.outcome == "answered"]
    figure = style.plot()
    panel = style.axes(figure, x="time to the answer (ms)", y="share of answered requests (%)")
    measures = {
        "from intended send": sorted(r.latency_ms for r in answered if r.latency_ms is not None),
        "from true send": sorted(r.service_ms for r in answered if r.service_ms is not None),
    }
    ends = []
    for series, (label, values) in enumerate(measures.items()):
        if values:
            shares = [100 * rank / len(values) for rank in range(1, len(values) + 1)]
            style.line(panel, values, shares, series, drawstyle="steps-post", linestyle="-" if series == 0 else "--")
            middle = len(values) // 2
            ends.append((values[middle], shares[middle], label, series))
    top_ms = max((values[-1] for values in measures.values() if values), default=1.0)
    for name, (share, limit_ms) in limits.items():
        if limit_ms <= top_ms * 1.5:
            style.threshold(
                panel, limit_ms, f"{name} objective: {100 * share:g} % within {limit_ms:g} ms", axis="x", end=True
            )
    panel.set_ylim(0, 105)
    panel.set_xlim(left=0)
    _label_beside(panel, ends)
    rows = tuple((r.index, r.outcome, r.intended_s, r.latency_ms, r.service_ms) for r in requests)
    table = Table(
        ("request", "outcome", "intended (s)", "from intended send (ms)", "from true send (ms)"), rows, "latency"
    )
    alt = f"Share of {len(answered)} answered requests over the time to the answer; the slowest took {top_ms:.0f} ms"
    return Drawing(style.svg(figure, "latency"), alt), table


def _label_beside(panel: Axes, middles: Sequence[tuple[float, float, str, int]]) -> None:
    """Name each step curve at two heights, so that curves that lie on each other still have two names."""
    for (x, _, label, series), height in zip(middles, (30, 12), strict=False):
        leader = {"arrowstyle": "-", "color": style.colour(series), "linewidth": 1.4, "relpos": (0, 0.5), "shrinkB": 0}
        look: dict[str, Any] = {"color": LIGHT.ink, "fontsize": 12, "va": "center", "arrowprops": leader}
        panel.annotate(label, (x, height), (14, 0), textcoords="offset points", **look).set_in_layout(False)


def timeline(requests: Sequence[Request], warmup_s: float) -> tuple[Drawing, Table]:
    """Each request at its intended time: when it was answered, and how late it was sent."""
    figure = style.plot(960, 260)
    panel = style.axes(figure, x="intended send time (s from the start)", y="time to the answer (ms)")
    good = [(r.intended_s, r.latency_ms) for r in requests if r.outcome == "answered" and r.latency_ms is not None]
    bad = [r for r in requests if r.outcome != "answered"]
    when, waited = [x for x, _ in good], [y for _, y in good]
    panel.vlines(when, 0, waited, color=style.colour(0), linewidth=1, alpha=0.4)
    panel.plot(when, waited, "o", color=style.colour(0), markersize=5)
    if bad:
        cross: dict[str, Any] = {"color": style.colour(1), "markersize": 8, "markeredgewidth": 2}
        panel.plot([r.intended_s for r in bad], [0 for _ in bad], "x", **cross)
        for outcome in sorted({r.outcome for r in bad}):
            first = next(r for r in bad if r.outcome == outcome)
            panel.annotate(f"x {outcome}", (first.intended_s, 0), (0, 10), textcoords="offset points", color=LIGHT.ink)
    panel.set_ylim(bottom=0)
    if warmup_s > 0:
        style.threshold(panel, warmup_s, "measured from here", axis="x")
    rows = tuple((r.index, r.intended_s, r.start_s, r.end_s, r.outcome) for r in requests)
    table = Table(("request", "intended (s)", "sent (s)", "answered (s)", "outcome"), rows, "arrivals")
    alt = f"{len(requests)} requests at their intended times: {len(good)} answered, {len(bad)} not"
    return Drawing(style.svg(figure, "arrivals"), alt, 960), table


def _whole(low: int, high: int) -> list[int]:
    """At most eight whole numbers from low to high."""
    step = max(1, -(-(high - low + 1) // 8))
    return list(range(low, high + 1, step))


def _int(value: float | None) -> int | None:
    return None if value is None else int(value)
