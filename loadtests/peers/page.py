"""The page of a run: who answers how many requests a second, with intervals, versions and settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from carpal.reports import style
from carpal.reports.blocks import Drawing, Fact, Figure, Page, Section, Source, Table
from carpal.reports.page import write_page

WORK = {
    "noop": "A body of 100 KB, answered with a constant: the servers alone.",
    "images": "A radiograph as PNG: read, prepared, through YOLOv8n at 640 pixels, reported.",
}


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
    ahead = [_place(rows, count) for count in counts]
    return Page(
        title=f"Servers side by side, {'no-op' if kind == 'noop' else 'images'}",
        answer=f"{WORK[kind]} {' '.join(ahead)}",
        picture=_bars(rows, counts[-1], source),
        facts=tuple(
            Fact(f"{row['peer']}, {row['callers']} callers", row["per_s"][0], "requests/s", source)
            for row in rows
            if row["callers"] == counts[-1]
        )[:4],
        sections=(
            *(Section(f"{count} callers", figures=(_bars(rows, count, source),)) for count in counts[:-1]),
            Section("All figures", ("Medians over the rounds, with 95 % intervals.",), tables=(_table(rows),)),
            Section("How each is set up", tables=(_settings(rows),)),
        ),
        footer=(document["machine"], f"Again: {document['command']}", "Callers run on the same cores."),
    )


def _place(rows: list[dict[str, Any]], count: int) -> str:
    ranked = sorted((row for row in rows if row["callers"] == count), key=lambda row: -row["per_s"][0])
    names = [row["peer"] for row in ranked]
    callers = "one caller" if count == 1 else f"{count} callers"
    return f"With {callers}: {', '.join(names)}, the quickest first."


def _bars(rows: list[dict[str, Any]], count: int, source: Source) -> Figure:
    ranked = sorted((row for row in rows if row["callers"] == count), key=lambda row: -row["per_s"][0])
    names, values = [row["peer"] for row in ranked], [row["per_s"][0] for row in ranked]
    errors = [
        [row["per_s"][0] - row["per_s"][1] for row in ranked],
        [row["per_s"][2] - row["per_s"][0] for row in ranked],
    ]
    figure = style.plot(560, 70 + 34 * len(ranked))
    panel = style.axes(figure, x=f"requests a second, {count} callers", y="")
    colours = [style.colour(0 if name in ("carpal", "tuned") else 7) for name in names]
    panel.barh(names, values, xerr=errors, color=colours, height=0.6, error_kw={"linewidth": 1.2, "capsize": 3})
    for place, row in enumerate(ranked):
        text = f"  {row['per_s'][0]:,.0f}" if row["per_s"][0] >= 100 else f"  {row['per_s'][0]:.1f}"
        panel.text(row["per_s"][2], place, text, va="center")
    panel.margins(x=0.18)
    panel.invert_yaxis()
    alt = "; ".join(f"{name} {value:.0f}" for name, value in zip(names, values, strict=True))
    return Figure(
        Drawing(style.svg(figure, f"callers{count}"), f"requests a second with {count} callers: {alt}", 560),
        f"{count} callers in a closed loop. Whiskers are 95 % intervals of the median over the rounds.",
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
    return "" if values is None else f"{values[1]:.4g} to {values[2]:.4g}"
