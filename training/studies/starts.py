"""Random weights against weights trained on COCO, at equal budget, over three seeds on a fixed subset of FracAtlas.

    python training/studies/starts.py --data out/starter/fracatlas --coco ../shared/data/yolov8-coco/yolov8n.pt

The learning rate of each arm is the same. Each run takes about 10 minutes on two cores.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import torch
from curves import Row, draw, read_rows, summary, write_rows
from subset import prepared_subset

from carpal_training.group import Group
from carpal_training.job import Job
from carpal_training.loop import Loop
from carpal_training.recipe import Recipe
from carpal_training.run import Epoch

SEEDS = (0, 1, 2)


def arguments(description: str | None, out: str, *, epochs: int, size_px: int) -> argparse.ArgumentParser:
    """The options that both studies share, with their defaults."""
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="imported FracAtlas")
    parser.add_argument("--coco", type=Path, required=True, help="yolov8n.pt trained on COCO")
    parser.add_argument("--out", type=Path, default=Path(out))
    parser.add_argument("--epochs", type=int, default=epochs)
    parser.add_argument("--size-px", type=int, default=size_px)
    parser.add_argument("--positives", type=int, default=531, help="fractured training images")
    return parser


def recipe(epochs: int, size_px: int, seed: int, start: str) -> Recipe:
    """The settings of both arms."""
    return Recipe.model_validate(
        {
            "epochs": epochs,
            "size_px": size_px,
            "batch": 16,
            "workers": 1,
            "optimizer": "adamw",
            "lr": 0.001,
            "momentum": 0.9,
            "warmup_epochs": 1.0,
            "seed": seed,
            "start": start,
            "augmentation": {"mosaic": 1.0, "close_mosaic_epochs": max(1, epochs // 5)},
        }
    )


def main() -> int:
    """Train what is missing, then write starts.csv and starts.png."""
    given = arguments(__doc__, "out/starts", epochs=15, size_px=320).parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    table = given.out / "starts.csv"
    rows = read_rows(table)
    for seed in SEEDS:
        for arm, start in (("COCO", str(given.coco.resolve())), ("scratch", "scratch")):
            if any((row.arm, row.seed, row.epoch) == (arm, seed, given.epochs) for row in rows):
                continue
            rows = [row for row in rows if (row.arm, row.seed) != (arm, seed)]
            rows += train(given, arm, seed, start)
            write_rows(table, rows)
            draw(rows, given.out / "starts.png", f"YOLOv8n, {given.size_px} px, {given.positives} fractured images")
    for arm, figures in summary(rows).items():
        sys.stdout.write(f"{arm}: {figures}\n")
    return 0


def train(given: argparse.Namespace, arm: str, seed: int, start: str) -> list[Row]:
    """One run in this process."""
    plan = recipe(given.epochs, given.size_px, seed, start)
    cache = given.out / "cache"
    train_images, val_images, dataset = prepared_subset(given.data, plan, cache, positives=given.positives, seed=0)
    run = given.out / f"{arm}-{seed}"
    run.mkdir(exist_ok=True)
    (run / "last.pt").unlink(missing_ok=True)  # an interrupted run starts again: its seconds would not be comparable
    weights = None if start == "scratch" else Path(start)
    job = Job(plan, run, train_images, val_images, dataset.classes, weights)
    rows: list[Row] = []

    def report(epoch: Epoch, _: Path) -> None:
        rows.append(Row(arm, seed, epoch.epoch, epoch.seconds, epoch.map50 or 0.0, epoch.map50_95 or 0.0))
        sys.stdout.write(f"{rows[-1]}\n")
        sys.stdout.flush()

    Loop(job, Group(), torch.device("cpu")).run(report)
    return rows


if __name__ == "__main__":
    sys.exit(main())
