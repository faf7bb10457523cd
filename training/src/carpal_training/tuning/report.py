"""The table and the picture of a profile: profile.json beside timings.csv and tune.html."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from carpal.engines.profile import Profile, Timing
from carpal.reports import style
from carpal.reports.blocks import Drawing, Fact, Figure, Page, Section, Source, Table
from carpal.reports.page import write_page
from carpal_training.run import write_whole
from carpal_training.tuning.tuner import words

COLUMNS = (
    "engine",
    "precision",
    "threads",
    "streams",
    "latency_ms",
    "latency_p95_ms",
    "images_per_s",
    "calls",
    "map50_95",
    "gate",
)


def write_report(profile: Profile, folder: Path) -> None:
    """Write profile.json, timings.csv and tune.html into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "profile.json", profile.to_json(indent=True))
    write_whole(folder / "timings.csv", table(profile).csv().encode())
    write_page(page(profile, folder), folder / "tune.html")


def table(profile: Profile) -> Table:
    """Every setting that was measured, the quickest to give many images first."""
    ranked = sorted(profile.timings, key=lambda timing: -timing.images_per_s)
    return Table(COLUMNS, tuple(tuple(getattr(timing, name) for name in COLUMNS) for timing in ranked), "timings")


def text(profile: Profile) -> str:
    """The table for a terminal, the choices marked."""
    rows = [("", "engine", "precision", "threads", "streams", "ms", "p95 ms", "images/s", "mAP50-95", "gate")]
    for timing in sorted(profile.timings, key=lambda timing: -timing.images_per_s):
        rows.append(
            (
                _marks(profile, timing),
                timing.engine,
                timing.precision,
                str(timing.threads),
                str(timing.streams),
                f"{timing.latency_ms:.1f}",
                f"{timing.latency_p95_ms:.1f}",
                f"{timing.images_per_s:.1f}",
                "" if timing.map50_95 is None else f"{timing.map50_95:.4f}",
                timing.gate or "float",
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, "L: chosen for latency, T: for throughput"])


def page(profile: Profile, folder: Path) -> Page:
    """The choice in a sentence, the picture, the table."""
    source = Source(str(folder / "timings.csv"), profile.command)
    latency, throughput = (_of(profile, choice) for choice in (profile.latency, profile.throughput))
    machine = profile.machine
    return Page(
        title=f"{profile.model} on {machine.processor}",
        answer=(
            f"One image is answered soonest by {words(profile.latency)} ({latency.latency_ms:.1f} ms); most images are "
            f"answered by {words(profile.throughput)} ({throughput.images_per_s:.1f} a second)."
        ),
        picture=Figure(
            _bars(profile, "latency (ms)", _latency),
            "One image alone, the best of each engine and precision. Reading and preparing come on top.",
            source=source,
        ),
        facts=(
            Fact("latency", latency.latency_ms, "ms", source),
            Fact("throughput", throughput.images_per_s, "images/s", source),
            Fact("cores", machine.cores, "", source),
        ),
        sections=(
            Section(
                "Many images",
                figures=(
                    Figure(
                        _bars(profile, "throughput (images/s)", _throughput),
                        "All streams busy, the best of each engine and precision.",
                        source=source,
                    ),
                ),
            ),
            Section(
                "All settings",
                paragraphs=(
                    f"A variant is eligible if it kept at least {profile.accept} of the float mAP50-95.",
                    "The best few were measured again, in turns. A difference below 3 % counts as none: then the more "
                    "exact precision is taken.",
                ),
                tables=(table(profile),),
            ),
        ),
        footer=(
            f"{profile.created}, {machine.processor}, {machine.cores} cores, {machine.system}; "
            + ", ".join(f"{name} {version}" for name, version in sorted(profile.libraries.items())),
            f"Again: {profile.command}",
        ),
    )


def _bars(profile: Profile, label: str, best: Callable[[list[Timing]], float]) -> Drawing:
    kinds = sorted({(timing.engine, timing.precision) for timing in profile.timings})
    names = [f"{engine}\n{precision}" for engine, precision in kinds]
    values = [
        best([timing for timing in profile.timings if (timing.engine, timing.precision) == kind]) for kind in kinds
    ]
    figure = style.plot(400, 70 + 44 * len(kinds))
    panel = style.axes(figure, x=label, y="")
    panel.bar_label(panel.barh(names, values, color=style.colour(0), height=0.6), fmt="%.1f", padding=3)
    panel.margins(x=0.2)
    panel.invert_yaxis()
    alt = "; ".join(
        f"{engine} {precision} {value:.1f}" for (engine, precision), value in zip(kinds, values, strict=True)
    )
    return Drawing(style.svg(figure, label.split()[0]), f"{label}: {alt}", 400)


def _latency(timings: list[Timing]) -> float:
    return min(timing.latency_ms for timing in timings if timing.streams == 1)


def _throughput(timings: list[Timing]) -> float:
    return max(timing.images_per_s for timing in timings)


def _of(profile: Profile, setting: object) -> Timing:
    return next(timing for timing in profile.timings if timing.setting == setting)


def _marks(profile: Profile, timing: Timing) -> str:
    return ("L" if timing.setting == profile.latency else "") + ("T" if timing.setting == profile.throughput else "")
