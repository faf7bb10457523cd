"""The pictures of the comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from generator_peers.instruments import SHARES, STALL_SECONDS, Shot, ranks

from carpal.reports import style


def of_errors(lines: Sequence[Any]) -> bytes:
    """The error of each percentile, a panel a rate."""
    figure = style.plot(720, 280)
    names = list(dict.fromkeys(line.generator for line in lines))
    rates = list(dict.fromkeys(line.rate_per_s for line in lines))
    for place, rate in enumerate(rates, 1):
        panel = style.axes(
            figure,
            x="",
            y="measured over true (%)" if place == 1 else "",
            place=(1, 3, place),
            title=f"{rate:,} a second",
        )
        panel.axhspan(-2, 2, color=style.colour(0), alpha=0.12, linewidth=0)
        for series, name in enumerate(names):
            (line,) = (one for one in lines if one.generator == name and one.rate_per_s == rate)
            errors = [100 * line.error[key] for key in SHARES]
            panel.plot(range(3), errors, "osD"[series], color=style.colour(series), markersize=7, label=name)
        panel.set_xticks(range(3), list(SHARES))
        panel.set_xlim(-0.5, 2.5)
        panel.set_ylim(-1, max(3.0, *(110 * max(line.error.values()) for line in lines)))
        if place == len(rates):
            panel.legend(frameon=False, loc="upper right")
    return style.png(figure)


def of_stall(shots: Mapping[str, Shot]) -> bytes:
    """Every request of the stall, by when it was due or sent, a panel a generator."""
    figure = style.plot(720, 420)
    for place, (name, shot) in enumerate(shots.items()):
        took = [ms for _, ms in shot.points]
        late = sum(ms > 500 for ms in took)
        panel = style.axes(
            figure,
            x="second of the run" if place >= 2 else "",
            y="time taken (ms)" if place % 2 == 0 else "",
            place=(2, 2, place + 1),
            title=f"{name}: p95 {ranks(took, {'p95': 0.95})['p95']:,.0f} ms, {late} of {len(took)} over 500 ms",
        )
        panel.plot(*zip(*shot.points, strict=True), "o", color=style.colour(place), markersize=2.5)
        panel.set_ylim(0, 1150)
        panel.set_xlim(0, STALL_SECONDS)
    return style.png(figure)
