"""What a step of training spends beside the network, its loss, its gradients and its optimizer: each stage of ours.

    python training/benchmarks/stages.py

Processor time of each stage, of the thread that does it, as a share of the processor time of all steps, at the size
and batch of the starter's recipe on one worker. What is done once an epoch is spread over the 150 steps that an epoch
of the starter has. Ends with 1 where one is above 2 %. A minute on two idle cores.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from carpal.machine import this_machine
from carpal.phantoms.dataset import generate
from carpal.terminal import Terminal
from carpal_training import batches, loop
from carpal_training.average import Average
from carpal_training.group import Group
from carpal_training.job import Job
from carpal_training.loop import Loop
from carpal_training.preparation import open_parts, prepare
from carpal_training.recipe import Recipe
from carpal_training.run import RunFolder

BAR = 0.02
STEPS_AN_EPOCH = 150  # of the starter: 2,400 images in batches of 16
QUIET = Terminal(quiet=True)
RECIPE = Recipe(epochs=1, size_px=384, batch=16, workers=1, validate_every=1, precision="float32")
EACH_STEP: tuple[tuple[str, Any, str], ...] = (
    ("varying images", batches, "vary"),
    ("stacking them", batches, "_collate"),
    ("moving average", Average, "update"),
    ("learning rate", loop, "set_lr"),
    ("progress file", RunFolder, "write_progress"),
)
EACH_EPOCH: tuple[tuple[str, Any, str], ...] = (
    ("weights' digest", Group, "check_in_step"),
    ("checkpoint", Loop, "_save"),
    ("epochs.csv", RunFolder, "write_epochs"),
)


def main() -> int:
    """Measure; 0 where the bar holds."""
    spent: Counter[str] = Counter()

    def timed(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            begun = time.thread_time()
            try:
                return work(*arguments, **named)
            finally:
                spent[name] += time.thread_time() - begun

        return call

    with tempfile.TemporaryDirectory(prefix="bench-") as folder, ExitStack() as patches:
        for name, owner, attribute in EACH_STEP + EACH_EPOCH:
            patches.enter_context(patch.object(owner, attribute, timed(name, getattr(owner, attribute))))
        run = Loop(prepared(Path(folder)), Group(), torch.device("cpu"))
        begun = time.process_time()
        run._train_epoch(0)
        each_step = (time.process_time() - begun) / run.steps
        run.epochs_done = 1
        run.group.check_in_step(run.network)
        run._save(better=False)
        run.folder.write_epochs([])
    machine = this_machine()
    sys.stdout.write(f"{machine.processor}, {machine.cores} cores; yolov8n, 384 px, batch 16, float32, one worker\n")
    sys.stdout.write(f"a step takes {each_step:.2f} s of processor time\n")
    shares = {name: spent[name] / run.steps / each_step for name, *_ in EACH_STEP}
    shares |= {name: spent[name] / STEPS_AN_EPOCH / each_step for name, *_ in EACH_EPOCH}
    for name, share in shares.items():
        sys.stdout.write(f"{name:<16}{100 * share:7.3f} %\n")
    over = [name for name, share in shares.items() if share > BAR]
    sys.stdout.write(f"Above {100 * BAR:g} %: {', '.join(over)}.\n" if over else f"None is above {100 * BAR:g} %.\n")
    return 1 if over else 0


def prepared(folder: Path) -> Job:
    """Phantoms for eleven steps."""
    generate(folder / "phantoms", 230, seed=1, size_px=384)
    dataset, split = open_parts([folder / "phantoms"], RECIPE, QUIET, leaks=False)
    train_images, val_images = prepare(dataset, split, RECIPE.chain, folder / "cache", QUIET)
    return Job(RECIPE, folder, train_images, val_images, dataset.classes)


if __name__ == "__main__":
    sys.exit(main())
