"""Curves of several arms over epochs, each over several seeds: a CSV, and a picture with the range over the seeds."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from carpal.machine import this_machine

COLUMNS = ("arm", "seed", "epoch", "train_seconds", "map50", "map50_95")


@dataclass(frozen=True)
class Row:
    """One epoch of one run."""

    arm: str
    seed: int
    epoch: int
    train_seconds: float
    map50: float
    map50_95: float


def read_rows(file: Path) -> list[Row]:
    """The rows of earlier runs; empty if the file does not exist."""
    if not file.is_file():
        return []
    with file.open(newline="") as stream:
        return [
            Row(
                line["arm"],
                int(line["seed"]),
                int(line["epoch"]),
                float(line["train_seconds"]),
                float(line["map50"]),
                float(line["map50_95"]),
            )
            for line in csv.DictReader(stream)
        ]


def write_rows(file: Path, rows: Sequence[Row]) -> None:
    """Write all rows, and the machine as a comment line of its own file."""
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        writer.writerows([[getattr(row, name) for name in COLUMNS] for row in rows])
    machine = this_machine()
    file.with_suffix(".machine.txt").write_text(f"{machine.processor}, {machine.cores} cores\n")


def summary(rows: Sequence[Row]) -> dict[str, Mapping[str, float]]:
    """For each arm: mean, lowest and highest mAP50 of the last epoch over the seeds, and seconds per epoch."""
    found = {}
    for arm in dict.fromkeys(row.arm for row in rows):
        own = [row for row in rows if row.arm == arm]
        last = max(row.epoch for row in own)
        ends = [row.map50 for row in own if row.epoch == last]
        found[arm] = {
            "seeds": len(ends),
            "epochs": last,
            "map50": float(np.mean(ends)),
            "lowest": min(ends),
            "highest": max(ends),
            "seconds_per_epoch": float(np.median([row.train_seconds for row in own])),
        }
    return found


def draw(rows: Sequence[Row], target: Path, title: str) -> None:
    """MAP50 over epochs: the mean of each arm as a line, the range over its seeds as a band."""
    figure = Figure(figsize=(7.0, 4.2), layout="constrained")
    axes = figure.add_subplot()
    for arm in dict.fromkeys(row.arm for row in rows):
        own = [row for row in rows if row.arm == arm]
        epochs = sorted({row.epoch for row in own})
        values = [[row.map50 for row in own if row.epoch == epoch] for epoch in epochs]
        means = [float(np.mean(value)) for value in values]
        (line,) = axes.plot(epochs, means, linewidth=2)
        axes.fill_between(epochs, [min(v) for v in values], [max(v) for v in values], alpha=0.2, color=line.get_color())
        axes.annotate(arm, (epochs[-1], means[-1]), xytext=(5, 0), textcoords="offset points", color=line.get_color())
    axes.set(xlabel="epoch", ylabel="mAP50 on the validation images", title=title, ylim=(0, None))
    axes.margins(x=0.15)
    FigureCanvasAgg(figure).print_figure(target, dpi=110)
