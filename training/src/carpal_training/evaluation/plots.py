"""The plots of an evaluation's report, each with its data as a table."""

from __future__ import annotations

from collections.abc import Mapping

from carpal.reports.blocks import Drawing, Figure, Panels, Source, Table
from carpal.reports.style import axes, colour, line, plot, svg
from carpal_training.evaluation.boxes import BoxFigures
from carpal_training.evaluation.cases import Cases, Level
from carpal_training.evaluation.rates import roc
from carpal_training.evaluation.reading import Interval, Reading

WIDTH_PX = 540
"""Of a forest plot: it is shrunk, and not cut, on a telephone."""


def forest(
    rows: Mapping[str, Interval], name: str, x: str, caption: str, source: Source, *, low: float = 0.0
) -> Figure:
    """Figures with their intervals, one below the other; the label says both."""
    shown = {label: one for label, one in rows.items() if one.value is not None}
    figure = plot(width_px=WIDTH_PX, height_px=70 + 24 * max(len(shown), 1))
    panel = axes(figure, x=x, y="")
    for place, one in enumerate(shown.values()):
        value = one.value or 0.0
        ends = (value if one.low is None else one.low, value if one.high is None else one.high)
        panel.plot(ends, (place, place), color=colour(0), linewidth=5, alpha=0.35, solid_capstyle="butt")
        panel.plot([value], [place], marker="o", color=colour(0), markersize=6)
        panel.text(1.02, place, words(one), va="center", transform=panel.get_yaxis_transform())
    panel.set_yticks(range(len(shown)), list(shown))
    panel.invert_yaxis()
    panel.set_xlim(low, 1.0)
    said = "; ".join(f"{label} {words(one)}" for label, one in shown.items())
    table = Table(
        ("what", "value", "low (2.5 %)", "high (97.5 %)"),
        tuple((label, one.value, one.low, one.high) for label, one in rows.items()),
        name,
    )
    return Figure(Drawing(svg(figure, name), said or "nothing is defined", WIDTH_PX), caption, source, table)


def roc_figure(levels: Mapping[Level, Cases], reading: Reading, source: Source) -> Figure:
    """The ROC of the focus class at each level, with the operating points of images."""
    figure, said, rows = plot(width_px=900, height_px=330), [], []
    for place, (level, cases) in enumerate(levels.items(), start=1):
        index = cases.classes.index(reading.focus)
        alarms, hits = roc(cases.scores[:, index], cases.present[:, index])
        one = reading.levels[level][reading.focus]
        title = f"by {level}: AUC {words(one.auc)}"
        panel = axes(figure, x="1 - specificity", y="sensitivity", title=title, place=(1, len(levels), place))
        line(panel, alarms.tolist(), hits.tolist())
        for point in one.points.values():
            if point.sensitivity.value is not None and point.specificity.value is not None:
                panel.plot([1 - point.specificity.value], [point.sensitivity.value], marker="o", color=colour(1))
        panel.set_xlim(-0.01, 1.01)
        panel.set_ylim(-0.01, 1.01)
        said.append(title)
        rows += [(level, alarm, hit) for alarm, hit in zip(alarms.tolist(), hits.tolist(), strict=True)]
    return Figure(
        Drawing(svg(figure, "roc"), "ROC " + "; ".join(said), 900),
        f"How well {reading.focus} is told apart. Dots: the thresholds at which it is reported.",
        source,
        Table(("level", "1 - specificity", "sensitivity"), tuple(rows), "roc"),
    )


def froc_figure(boxes: BoxFigures, source: Source) -> Figure | None:
    """Sensitivity for boxes against false alarms an image, a panel a class; None where no class has an instance."""
    drawings, rows = [], []
    for name, one in boxes.classes.items():
        if not one.froc:
            continue
        figure = plot(width_px=220, height_px=200)
        panel = axes(figure, x="false alarms an image", y="sensitivity", title=name)
        places = [point.false_alarms_an_image for point in one.froc]
        line(panel, places, [point.sensitivity for point in one.froc], marker="o", markersize=4)
        panel.set_xscale("log")
        panel.set_ylim(0, 1.03)
        said = ", ".join(f"{point.sensitivity:.2f} at {point.false_alarms_an_image:g}" for point in one.froc)
        drawings.append(Drawing(svg(figure, f"froc-{name}"), f"FROC of {name}: {said}", 220))
        rows += [(name, point.false_alarms_an_image, point.sensitivity, point.threshold) for point in one.froc]
    if not drawings:
        return None
    return Figure(
        Panels(tuple(drawings)),
        "Instances found (IoU 0.5) for so many false alarms an image.",
        source,
        Table(("class", "false alarms an image", "sensitivity", "threshold"), tuple(rows), "froc"),
    )


def reliability_figure(boxes: BoxFigures, source: Source) -> Figure | None:
    """Share of right findings against probability, a panel a class: line as given, dashes as calibrated.

    None where nothing was found, so that there is no share.
    """
    drawings, rows = [], []
    for name, one in boxes.classes.items():
        own = one.calibration
        if not own.bins:
            continue
        figure = plot(width_px=220, height_px=220)
        after = "" if own.ece_calibrated is None else f" to {own.ece_calibrated:.2f}"
        panel = axes(figure, x="probability", y="share right", title=f"{name}\nECE {own.ece:.2f}{after}")
        panel.plot([0, 1], [0, 1], color=colour(7), linewidth=0.8)
        line(panel, [b.probability for b in own.bins], [b.right for b in own.bins], marker="o", markersize=4)
        calibrated = own.bins_calibrated
        if calibrated:
            xs, ys = [b.probability for b in calibrated], [b.right for b in calibrated]
            line(panel, xs, ys, 1, linestyle="--", marker="s", markersize=4)
        panel.set_xlim(0, 1)
        panel.set_ylim(0, 1.03)
        drawings.append(Drawing(svg(figure, f"reliability-{name}"), f"Reliability of {name}, ECE {own.ece}", 220))
        for kind, bins in (("given", own.bins), ("calibrated", calibrated)):
            rows += [(name, kind, b.findings, b.probability, b.right) for b in bins]
    if not drawings:
        return None
    return Figure(
        Panels(tuple(drawings)),
        "Findings with a probability, and how many of them are right (IoU 0.5). On the thin line a probability says "
        "what it means; line: as the network gives it, dashes: as the package calibrates it.",
        source,
        Table(("class", "probability", "findings", "mean probability", "share right"), tuple(rows), "reliability"),
    )


def words(one: Interval) -> str:
    """A figure and its interval."""
    if one.value is None:
        return "not defined"
    if one.low is None or one.high is None:
        return f"{one.value:.3f}"
    return f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})"
