"""carpal's training loop against ultralytics' own trainer: same images, settings, budget and evaluation.

    python training/studies/trainers.py --data out/starter/fracatlas --coco ../shared/data/yolov8-coco/yolov8n.pt

Both train YOLOv8n from COCO weights in one process on the prepared images of a fixed subset of FracAtlas. After each
epoch the averaged network is measured by carpal's validation, whichever trained it. Seconds are of training alone.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from curves import Row, draw, read_rows, summary, write_rows
from starts import arguments, recipe
from subset import prepared_subset
from torch import nn

from carpal_training import yolo
from carpal_training.data.cache import Cache, open_cache
from carpal_training.group import Group
from carpal_training.job import Job
from carpal_training.loop import Loop
from carpal_training.recipe import Recipe
from carpal_training.run import Epoch
from carpal_training.validation import validate

SEEDS = (0, 1, 2)
CPU = torch.device("cpu")


class ThreeChannels(nn.Module):  # type: ignore[misc]  # torch has no types
    """ultralytics' network, which has three equal input channels, for grey images."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> Any:
        """The same output for float32 [N, 1, H, W]."""
        return self.network(images.expand(-1, 3, -1, -1))


def main() -> int:
    """Train what is missing, then write trainers.csv and trainers.png."""
    parser = arguments(__doc__, "out/trainers", epochs=8, size_px=416)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    table = given.out / "trainers.csv"
    rows = read_rows(table)
    arms: dict[str, Callable[..., list[Row]]] = {"ultralytics": with_ultralytics, "carpal": with_carpal}
    for seed in given.seeds:
        for arm, train in arms.items():
            if any((row.arm, row.seed, row.epoch) == (arm, seed, given.epochs) for row in rows):
                continue
            plan = recipe(given.epochs, given.size_px, seed, str(given.coco.resolve()))
            caches = prepared_subset(given.data, plan, given.out / "cache", positives=given.positives, seed=0)
            run = given.out / f"{arm}-{seed}"
            shutil.rmtree(run, ignore_errors=True)
            run.mkdir()
            rows = [row for row in rows if (row.arm, row.seed) != (arm, seed)]
            rows += train(plan, caches[0], caches[1], run, arm, seed)
            write_rows(table, rows)
            draw(rows, given.out / "trainers.png", f"YOLOv8n, {given.size_px} px, {given.positives} fractured images")
    for arm, figures in summary(rows).items():
        sys.stdout.write(f"{arm}: {figures}\n")
    return 0


def with_carpal(plan: Recipe, train: Path, val: Path, run: Path, arm: str, seed: int) -> list[Row]:
    """One run of carpal's loop."""
    loop = Loop(Job(plan, run, train, val, ("fracture",), Path(plan.start)), Group(), CPU)
    begun: list[float] = []
    inner = loop._train_epoch

    def timed(number: int) -> Any:
        started = time.monotonic()
        result = inner(number)
        begun.append(time.monotonic() - started)
        return result

    loop._train_epoch = timed  # type: ignore[method-assign]  # the epoch's own seconds include the validation
    rows: list[Row] = []

    def report(epoch: Epoch, _: Path) -> None:
        rows.append(Row(arm, seed, epoch.epoch, begun[-1], epoch.map50 or 0.0, epoch.map50_95 or 0.0))
        sys.stdout.write(f"{rows[-1]}\n")
        sys.stdout.flush()

    loop.run(report)
    return rows


def with_ultralytics(plan: Recipe, train: Path, val: Path, run: Path, arm: str, seed: int) -> list[Row]:
    """One run of ultralytics' DetectionTrainer on the same prepared images as PNG files."""
    yolo.go_offline()
    from ultralytics.models.yolo.detect import DetectionTrainer

    caches = {"train": open_cache(train), "val": open_cache(val)}
    folder = run / "images-and-labels"
    for part, cache in caches.items():
        write_yolo(cache, folder, part)
    (folder / "data.yaml").write_text(
        f"path: {folder.resolve()}\ntrain: images/train\nval: images/val\nnames: {{0: fracture}}\n"
    )
    augmentation = plan.augmentation
    trainer = DetectionTrainer(
        overrides={
            "model": plan.start,
            "data": str(folder / "data.yaml"),
            "epochs": plan.epochs,
            "imgsz": plan.size_px,
            "batch": plan.batch,
            "optimizer": "AdamW",
            "lr0": plan.lr,
            "lrf": plan.lr_final_share,
            "cos_lr": True,
            "momentum": plan.momentum,
            "weight_decay": plan.weight_decay,
            "warmup_epochs": plan.warmup_epochs,
            "box": plan.box_gain,
            "cls": plan.class_gain,
            "dfl": plan.dfl_gain,
            "mosaic": augmentation.mosaic,
            "close_mosaic": augmentation.close_mosaic_epochs,
            "degrees": augmentation.degrees,
            "translate": augmentation.translate,
            "scale": augmentation.scale,
            "fliplr": augmentation.flip_left_right,
            "hsv_h": 0.0,
            "hsv_s": 0.0,
            "hsv_v": augmentation.brightness,
            "seed": seed,
            "device": "cpu",
            "workers": 0,
            "amp": False,
            "val": False,
            "plots": False,
            "cache": "ram",
            "project": str(run.resolve()),
            "name": "ultralytics",
        }
    )
    rows: list[Row] = []
    started: list[float] = [0.0]

    def begin(_: Any) -> None:
        started[0] = time.monotonic()

    def end(current: Any) -> None:
        seconds = time.monotonic() - started[0]
        network = ThreeChannels(current.ema.ema).eval()
        accuracy = validate(network, caches["val"], 1, Group(), CPU)
        rows.append(Row(arm, seed, current.epoch + 1, seconds, accuracy.map50, accuracy.map50_95))
        sys.stdout.write(f"{rows[-1]}\n")
        sys.stdout.flush()

    trainer.add_callback("on_train_epoch_start", begin)
    trainer.add_callback("on_train_epoch_end", end)
    trainer.train()
    return rows


def write_yolo(cache: Cache, folder: Path, part: str) -> None:
    """The prepared images as PNG files and their boxes as label files, in ultralytics' layout."""
    for kind in ("images", "labels"):
        (folder / kind / part).mkdir(parents=True, exist_ok=True)
    height, width = cache.images.shape[1:]
    for index in range(len(cache)):
        cv2.imwrite(str(folder / f"images/{part}/{index:05d}.png"), np.asarray(cache.images[index]))
        classes, boxes = cache.truth(index)
        lines = [
            f"{name} {(x0 + x1) / 2 / width:.6f} {(y0 + y1) / 2 / height:.6f} "
            f"{(x1 - x0) / width:.6f} {(y1 - y0) / height:.6f}"
            for name, (x0, y0, x1, y1) in zip(classes.tolist(), boxes.tolist(), strict=True)
        ]
        (folder / f"labels/{part}/{index:05d}.txt").write_text("\n".join(lines))


if __name__ == "__main__":
    sys.exit(main())
