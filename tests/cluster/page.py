"""The page of a run of these tests: the courses of the loads as pictures, and every case with its figures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from tests.cluster.load import Measured

from carpal.reports import style
from carpal.reports.blocks import Drawing, Fact, Figure, Page, Section, Source, Table

COMMAND = "make test-cluster"
WIDE_PX = 960
Course = tuple[Measured, Mapping[str, float]]


def page(cases: Mapping[str, Mapping[str, Any]], courses: Mapping[str, Course], conditions: Mapping[str, Any]) -> Page:
    """The page; there is at least one course."""
    ended = {name: case for name, case in cases.items() if "outcome" in case}
    ran = [name for name, case in ended.items() if case["outcome"] != "skipped"]
    failed = [name for name in ran if ended[name]["outcome"] == "failed"]
    figures = [_figure(name, *course) for name, course in courses.items()]
    answer = f"{len(ran) - len(failed)} of {len(ran)} cases hold on a real cluster"
    return Page(
        title="carpal on a real cluster",
        answer=f"{answer}; not {', '.join(map(words, failed))}." if failed else f"{answer}.",
        passed=not failed,
        picture=figures[0],
        facts=tuple(Fact(name.replace("_", " "), value) for name, value in conditions.items() if name != "revision"),
        sections=(
            Section("What was done under load", figures=tuple(figures[1:])),
            Section("Every case", tables=(_table(ended),)),
        ),
        footer=(f"Made by {COMMAND} at revision {conditions['revision']}.",),
    )


def words(case: str) -> str:
    """The name of a test as a sentence."""
    return case.removeprefix("test_").replace("_", " ")


def _table(cases: Mapping[str, Mapping[str, Any]]) -> Table:
    rows = []
    for name, case in cases.items():
        said = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in case.items() if key not in _OWN)
        rows.append((words(name), case["outcome"], case["seconds"], said))
    return Table(("case", "outcome", "seconds", "figures"), tuple(rows), "cases")


_OWN = ("outcome", "seconds")


def _figure(name: str, measured: Measured, moments: Mapping[str, float]) -> Figure:
    sent, waits, last = _by_second(measured)
    zero, seconds = measured.from_unix_s, np.arange(len(sent))
    figure = style.plot(WIDE_PX, 420)
    arrivals = style.axes(figure, x="", y="sent (/s)", place=(3, 1, 1))
    replicas = style.axes(figure, x="", y="replicas", place=(3, 1, 2))
    took = style.axes(figure, x="second of the load", y="latency (ms)", place=(3, 1, 3))
    style.line(arrivals, list(seconds), sent, 0, drawstyle="steps-post")
    at = [when - zero for when, _, _ in measured.replicas]
    asked, ready = ([float(entry[place]) for entry in measured.replicas] for place in (1, 2))
    style.line(replicas, at, asked, 3, drawstyle="steps-post", linestyle=(0, (4, 2)))
    style.line(replicas, at, ready, 2, drawstyle="steps-post")
    took.plot(seconds, waits, "o", color=style.colour(1), markersize=4)
    for panel in (arrivals, replicas, took):
        panel.set_xlim(0, max(last, at[-1] if at else 0.0))
        panel.set_ylim(bottom=0)
        for said, moment in moments.items():
            style.threshold(panel, moment - zero, said if panel is arrivals else "", axis="x")
    for panel in (arrivals, replicas):
        panel.tick_params(labelbottom=False)
    if at:
        ends = (style.End(at[-1], asked[-1], "asked for", 3), style.End(at[-1], ready[-1], "ready", 2))
        style.label_ends(replicas, ends)
    lost = sum(measured.lost.values())
    engine = "The engine is emulated: it sleeps instead of computing." if measured.emulated else "The engine is real."
    caption = (
        f"{words(name).capitalize()}: {measured.counts['answered']} requests answered, {lost} lost. Points are the "
        f"slowest answer of each second, from the time that it was meant to be sent. {engine}"
    )
    table = Table(
        ("second", "sent", "slowest (ms)"),
        tuple((int(s), int(n), None if math.isnan(w) else w) for s, n, w in zip(seconds, sent, waits, strict=True)),
        name.partition("[")[0],
    )
    source = Source("out/test-cluster/report.json", COMMAND, measured.emulated)
    return Figure(Drawing(style.svg(figure, name), caption, WIDE_PX), caption, source, table)


def _by_second(measured: Measured) -> tuple[list[float], list[float], float]:
    """Requests meant for each second, the slowest answer of each in ms (NaN where none), and when the last ended."""
    ends = [row["end_s"] for row in measured.rows if row["end_s"] is not None]
    last = max([*ends, *(row["intended_s"] for row in measured.rows)])
    sent, waits = [0.0] * (int(last) + 1), [math.nan] * (int(last) + 1)
    for row in measured.rows:
        second = int(row["intended_s"])
        sent[second] += 1
        if row["end_s"] is not None:
            waited = (row["end_s"] - row["intended_s"]) * 1000
            waits[second] = waited if math.isnan(waits[second]) else max(waits[second], waited)
    return sent, waits, last
