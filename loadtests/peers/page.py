"""The page of a run: who answers how many requests a second, with intervals, versions and settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from carpal.reports import style
from carpal.reports.blocks import Drawing, Fact, Figure, Page, Section, Source, Table
from carpal.reports.page import write_page
from carpal.reports.palette import LIGHT

WORK = {
    "noop": "A body of 100 KB, answered with a constant: the servers alone.",
    "tensor": "A binary float32 tensor by the Open Inference Protocol, to an engine that computes nothing.",
    "images": "A radiograph as PNG: read, prepared, through the network, reported.",
}

TITLES = {"noop": "no-op", "images": "images", "tensor": "a float32 tensor"}
OURS = ("carpal", "tuned", "adapter")


def write(document: dict[str, Any], path: Path) -> None:
    """The page beside its document.

    Args:
        document: as ``measure.py`` writes it.
        path: of the document.
    """
    write_page(page(document, path), path.with_suffix(".html"))


def page(document: dict[str, Any], path: Path) -> Page:
    """All of a run."""
    source = Source(path.name, document["command"])
    rows, kind = document["rows"], document["kind"]
    counts = sorted({row["callers"] for row in rows})
    most = ranked(rows, counts[-1])
    return Page(
        title=f"Servers side by side, {TITLES[kind]}",
        answer=f"{WORK[kind]} {answer(most)}",
        picture=_bars(rows, counts[-1], source),
        facts=tuple(
            Fact(f"{row['peer']}, {callers(counts[-1])}", row["per_s"][0], "requests/s", source) for row in most
        )[:4],
        sections=(
            *(Section(callers(count).capitalize(), figures=(_bars(rows, count, source),)) for count in counts[:-1]),
            Section("All figures", ("Medians over the rounds, with 95 % intervals.",), tables=(_table(rows),)),
            Section("How each is set up", tables=(_settings(rows),)),
        ),
        footer=(
            document["model"],
            document["machine"],
            f"Again: {document['command']}",
            "Callers run on the same cores.",
        ),
    )


def ranked(rows: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """The rows of so many callers, the quickest first."""
    return sorted((row for row in rows if row["callers"] == count), key=lambda row: -row["per_s"][0])


def answer(rows: list[dict[str, Any]]) -> str:
    """Where carpal stands among rows that are ranked; nothing where it was left out."""
    place = next((place for place, row in enumerate(rows) if row["peer"] == "carpal"), None)
    if place is None:
        return ""
    ahead = [f"{row['peer']} ({row['of_carpal'][0]:.2f} times as many)" for row in rows[:place]]
    behind = [f"{row['peer']} ({row['of_carpal'][0]:.2f})" for row in rows[place + 1 :]]
    said = f"With {callers(rows[place]['callers'])}, carpal answers {number(rows[place]['per_s'][0])} a second"
    said += f"; ahead of it: {', '.join(ahead)}" if ahead else ", the most of all"
    return f"{said}; behind it: {', '.join(behind)}." if behind else f"{said}."


def callers(count: int) -> str:
    """In words."""
    return "one caller" if count == 1 else f"{count} callers"


def number(value: float) -> str:
    """Three digits or more, thousands set apart."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _bars(rows: list[dict[str, Any]], count: int, source: Source) -> Figure:
    shown = ranked(rows, count)
    names, values = [row["peer"] for row in shown], [row["per_s"][0] for row in shown]
    errors = [
        [row["per_s"][0] - row["per_s"][1] for row in shown],
        [row["per_s"][2] - row["per_s"][0] for row in shown],
    ]
    figure = style.plot(640, 70 + 34 * len(shown))
    panel = style.axes(figure, x=f"requests a second, {callers(count)}", y="")
    colours = [style.colour(0) if name in OURS else LIGHT.muted for name in names]
    panel.barh(names, values, xerr=errors, color=colours, height=0.6, error_kw={"linewidth": 1.2, "capsize": 3})
    for place, row in enumerate(shown):
        at = (row["per_s"][2], place)
        panel.annotate(number(row["per_s"][0]), at, (8, 0), textcoords="offset points", va="center")
    panel.margins(x=0.15)
    panel.invert_yaxis()
    alt = "; ".join(f"{name} {number(value)}" for name, value in zip(names, values, strict=True))
    return Figure(
        Drawing(style.svg(figure, f"callers{count}"), f"requests a second, {callers(count)}: {alt}", 640),
        f"{callers(count).capitalize()} in a closed loop. Whiskers are 95 % intervals of the median over the rounds.",
        source,
    )


def _table(rows: list[dict[str, Any]]) -> Table:
    heads = ("peer", "callers", "requests/s", "interval", "of carpal", "interval of the ratio", "p50 (ms)", "start (s)")
    return Table(
        heads,
        tuple(
            (
                row["peer"],
                row["callers"],
                row["per_s"][0],
                _range(row["per_s"]),
                row.get("of_carpal", [None])[0],
                _range(row.get("of_carpal")),
                row["p50_ms"][0],
                row["start_s"][0],
            )
            for row in rows
        ),
        "peers",
    )


def _settings(rows: list[dict[str, Any]]) -> Table:
    seen = {row["peer"]: (row["peer"], row["version"], row["note"]) for row in rows}
    return Table(("peer", "version", "how"), tuple(seen.values()), "settings")


def _range(values: list[float] | None) -> str:
    return "" if values is None else f"{number(values[1])} to {number(values[2])}"
