"""The one style of every plot in carpal: units on axes, labels on the lines, bands, thresholds with a meaning.

Figures are made and drawn without pyplot, so no state is shared between plots. A point of matplotlib is one pixel of
the page. As SVG the colours become CSS variables of the page, so that one picture is readable on light and dark paper.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO, StringIO
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Plot

from carpal.reports.palette import LIGHT

WIDTH_PX, HEIGHT_PX = 480, 280
"""The plot that fits two to a row at 1280 px and stays readable shrunk to 360 px."""

RC: Any = {
    "figure.dpi": 72,
    "figure.facecolor": "none",
    "figure.constrained_layout.use": True,
    "savefig.facecolor": "none",
    "font.family": "DejaVu Sans",  # ships with matplotlib, and is wider than what browsers put in its place
    "font.size": 12,
    "text.color": LIGHT.ink,
    "axes.facecolor": "none",
    "axes.edgecolor": LIGHT.muted,
    "axes.labelcolor": LIGHT.ink,
    "axes.labelsize": 12,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.xmargin": 0.02,
    "grid.color": LIGHT.rule,
    "grid.linewidth": 0.8,
    "xtick.color": LIGHT.muted,
    "ytick.color": LIGHT.muted,
    "xtick.labelcolor": LIGHT.ink,
    "ytick.labelcolor": LIGHT.ink,
    "lines.linewidth": 2.0,
    "lines.solid_capstyle": "round",
    "svg.fonttype": "none",
}


@rc_context(RC)
def plot(width_px: int = WIDTH_PX, height_px: int = HEIGHT_PX) -> Plot:
    """An empty figure in the style, not known to pyplot."""
    return Plot(figsize=(width_px / 72, height_px / 72), layout="constrained")


@rc_context(RC)
def axes(figure: Plot, *, x: str, y: str, place: tuple[int, int, int] = (1, 1, 1), title: str = "") -> Axes:
    """Axes in a figure.

    Args:
        figure: made by ``plot``.
        x: what the horizontal axis shows, with its unit, as in ``latency (ms)``; empty for an inner panel of a grid.
        y: the same for the vertical axis.
        place: rows, columns and number (from 1) in a grid of panels.
        title: short heading of a panel; a figure of one panel has its caption on the page instead.
    """
    panel = figure.add_subplot(*place)
    panel.set_xlabel(x)
    panel.set_ylabel(y)
    panel.set_title(title)
    return panel


def colour(series: int) -> str:
    """The colour of series 0 to 7.

    Raises:
        ValueError: beyond eight series; nine lines in one picture cannot be told apart, draw a panel each.
    """
    if not 0 <= series < len(LIGHT.series):
        raise ValueError(f"series {series}: the palette has {len(LIGHT.series)} colours; draw a panel each instead")
    return LIGHT.series[series]


@rc_context(RC)
def line(panel: Axes, x: Sequence[float], y: Sequence[float], series: int = 0, **look: Any) -> None:
    """One line of data; ``look`` goes to matplotlib's ``plot`` (drawstyle, marker, linestyle)."""
    panel.plot(x, y, color=colour(series), **look)


@rc_context(RC)
def band(panel: Axes, x: Sequence[float], low: Sequence[float], high: Sequence[float], series: int = 0) -> None:
    """An interval around a line."""
    panel.fill_between(x, low, high, color=colour(series), alpha=0.2, linewidth=0)


@rc_context(RC)
def threshold(panel: Axes, value: float, meaning: str, *, axis: str = "y", end: bool = False) -> None:
    """A dashed line at a value of ``axis``, with what it means written on it.

    Args:
        panel: the axes.
        value: where the line is, in data units.
        meaning: what it means to be on either side of it.
        axis: ``y`` for a horizontal line, ``x`` for a vertical one.
        end: write at the right (above the line) or, for a vertical line, on its left; for where data is in the way.
    """
    look: dict[str, Any] = {"color": LIGHT.muted, "linestyle": (0, (5, 3)), "linewidth": 1.4}
    note: dict[str, Any] = {"color": LIGHT.ink, "fontsize": 11, "bbox": _BACKING}
    side = "right" if end else "left"
    step_px = -4 if end else 4
    if axis == "y":
        panel.axhline(value, **look)
        panel.annotate(
            meaning, (float(end), value), (step_px, 3), xycoords=("axes fraction", "data"),
            textcoords="offset points", ha=side, va="bottom", **note,
        )  # fmt: skip
    else:
        panel.axvline(value, **look)
        panel.annotate(
            meaning, (value, 1.0), (step_px, -3), xycoords=("data", "axes fraction"),
            textcoords="offset points", ha=side, va="top", **note,
        )  # fmt: skip


_BACKING = {"facecolor": LIGHT.paper, "edgecolor": "none", "alpha": 0.75, "pad": 1.0}


@dataclass(frozen=True)
class End:
    """Where a line ends on the right, and the name that is written there."""

    x: float
    y: float
    text: str
    series: int = 0


@rc_context(RC)
def label_ends(panel: Axes, ends: Iterable[End], *, gap_px: float = 15.0) -> None:
    """Write the name of each line right of its end, moved apart so that no two overlap.

    Call it last: it needs the final limits of the axes. A thin leader in the line's colour joins end and name.
    """
    ends = sorted(ends, key=lambda end: end.y)
    panel.autoscale_view()
    if figure := panel.get_figure(root=True):
        figure.draw_without_rendering()
    height_px = panel.bbox.height
    wanted = [float(panel.transData.transform((end.x, end.y))[1] - panel.bbox.y0) for end in ends]
    for end, place_px in zip(ends, spread(wanted, gap_px, height_px), strict=True):
        panel.annotate(
            end.text,
            xy=(end.x, end.y),
            xytext=(1.03, place_px / height_px),
            textcoords="axes fraction",
            va="center",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": colour(end.series),
                "linewidth": 1.4,
                "relpos": (0, 0.5),
                "shrinkA": 1,
                "shrinkB": 0,
            },
        )


def spread(wanted: Sequence[float], gap: float, room: float) -> list[float]:
    """Places in ascending order, at least ``gap`` apart where ``room`` allows, near the wanted ones.

    Args:
        wanted: ascending places.
        gap: smallest distance between two of them.
        room: places lie in 0..room.
    """
    if not wanted:
        return []
    gap = min(gap, room / max(len(wanted) - 1, 1))
    places = list(wanted)
    places[0] = max(places[0], 0.0)
    for index in range(1, len(places)):
        places[index] = max(places[index], places[index - 1] + gap)
    places[-1] = min(places[-1], room)
    for index in range(len(places) - 2, -1, -1):
        places[index] = min(places[index], places[index + 1] - gap)
    return [max(place, 0.0) for place in places]


@rc_context(RC)
def png(figure: Plot, *, scale: int = 2) -> bytes:
    """The figure as PNG on light paper, ``scale`` device pixels a pixel."""
    body = BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(body, format="png", dpi=72 * scale, facecolor=LIGHT.paper, metadata={"Software": None})
    return body.getvalue()


def svg(figure: Plot, name: str) -> str:
    """The figure as an ``<svg>`` element to stand in a page that defines the variables of the palette.

    Args:
        figure: made by ``plot``.
        name: a word that is unique on the page; it keeps the ids of several pictures apart.
    """
    body = StringIO()
    FigureCanvasSVG(figure)
    with rc_context(RC | {"svg.hashsalt": name}):
        figure.savefig(body, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return _for_page(body.getvalue(), name)


_VARIABLES = {value: name for name, value in LIGHT.variables().items()}


def _for_page(document: str, name: str) -> str:
    """Only the element, with its own ids, the page's font and the page's colours."""
    element = document[document.index("<svg") :].strip()
    tag, rest = element.split(">", 1)
    element = re.sub(r'\s(xmlns(:\w+)?|version|width|height)="[^"]*"', "", tag) + ">" + rest
    element = re.sub(r"<(metadata|style)\b.*?</\1>", "", element, flags=re.DOTALL)
    element = re.sub(r"font-family: [^;]*; ?", "", element).replace("xlink:href", "href")
    element = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', element)
    element = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', element)
    element = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", element)
    return re.sub(r"#[0-9a-f]{6}\b", lambda match: _variable(match[0]), element)


def _variable(value: str) -> str:
    return f"var({_VARIABLES[value]}, {value})" if value in _VARIABLES else value
