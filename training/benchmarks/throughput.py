"""Steps a second of one training on Ray against the same training under torchrun: what Ray costs.

    python training/benchmarks/throughput.py

Both run `carpal_training.loop.Loop` with two workers over gloo, on the same prepared phantoms, in turns: Ray, torchrun,
Ray, torchrun. Compared is the middle time of an epoch in the second half of each turn: in the first, the processes of
Ray itself start beside those that train, and take cores from them. Ends with 1 where Ray takes more than 1.03 times as
long. Five minutes on two idle cores.
"""

from __future__ import annotations

import pickle
import statistics
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import torch
from torch import distributed

from carpal.machine import this_machine
from carpal.phantoms.dataset import generate
from carpal.terminal import Terminal
from carpal_training.distributed.training import train
from carpal_training.group import Group
from carpal_training.job import Job
from carpal_training.loop import Loop, threads_a_worker
from carpal_training.preparation import open_parts, prepare
from carpal_training.recipe import Recipe
from carpal_training.run import RunFolder

BAR = 1.03
TURNS = 2
QUIET = Terminal(quiet=True)
RECIPE = Recipe(epochs=16, size_px=128, batch=16, workers=2, warmup_epochs=0.0, validate_every=16, restarts=0)


def main() -> int:
    """Measure both; 0 where the bar holds."""
    if sys.argv[1:]:
        work(pickle.loads(Path(sys.argv[1]).read_bytes()))  # of the process that called this one
        return 0
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        job = prepared(Path(folder))
        seconds: dict[str, list[float]] = {"ray": [], "torchrun": []}
        for turn in range(TURNS):
            for name, run in (("ray", on_ray), ("torchrun", under_torchrun)):
                mine = replace(job, run=Path(folder) / f"{name}-{turn}")
                mine.run.mkdir()
                run(mine)
                seconds[name] += [epoch.seconds for epoch in RunFolder(mine.run).read_epochs()[RECIPE.epochs // 2 : -1]]
        steps = Loop(job, Group(), torch.device("cpu")).steps
    machine, middle = this_machine(), {name: statistics.median(found) for name, found in seconds.items()}
    ratio = middle["ray"] / middle["torchrun"]
    sys.stdout.write(f"{machine.processor}, {machine.cores} cores; yolov8n, 128 px, batch 16, 2 workers, gloo\n")
    for name, found in seconds.items():
        spread = f"{min(found):.2f} to {max(found):.2f} s an epoch of {steps} steps"
        sys.stdout.write(f"{name:<9}{steps / middle[name]:6.2f} steps/s ({spread})\n")
    sys.stdout.write(f"an epoch on Ray takes {ratio:.3f} times one under torchrun (bar {BAR})\n")
    return 1 if ratio > BAR else 0


def prepared(folder: Path) -> Job:
    """A hundred phantoms, of which 70 are trained on."""
    generate(folder / "phantoms", 100, seed=1, size_px=160)
    dataset, split = open_parts([folder / "phantoms"], RECIPE, QUIET, leaks=False)
    train_images, val_images = prepare(dataset, split, RECIPE.chain, folder / "cache", QUIET)
    return Job(RECIPE, folder, train_images, val_images, dataset.classes)


def on_ray(job: Job) -> None:
    """As `carpal train run` does it."""
    train(job, lambda: None, lambda _: None)


def under_torchrun(job: Job) -> None:
    """The same loop, in processes that torchrun starts."""
    plan = job.run / "job.pickle"
    plan.write_bytes(pickle.dumps(job))
    command = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={job.recipe.workers}", __file__]
    subprocess.run([sys.executable, *command, str(plan)], check=True, capture_output=True)


def work(job: Job) -> None:
    """One rank under torchrun."""
    distributed.init_process_group("gloo")
    torch.set_num_threads(threads_a_worker(job.recipe.workers))
    Loop(job, Group(), torch.device("cpu")).run(lambda *_: None)
    distributed.destroy_process_group()


if __name__ == "__main__":
    sys.exit(main())
