"""`carpal train run`: from a recipe and a folder of images to a finished run."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from carpal.errors import CarpalError
from carpal.packages.reference import resolve
from carpal.terminal import Terminal
from carpal_training import distributed
from carpal_training.cache import build_cache, check_space
from carpal_training.dataset import Dataset, open_dataset
from carpal_training.errors import ClassesDiffer, RunMissing, Stopped
from carpal_training.loop import Job
from carpal_training.recipe import Recipe, write_recipe
from carpal_training.run import RunFolder, Summary, write_whole
from carpal_training.splits import Split, make_split

CHECKPOINT_BYTES = 250_000_000  # last, best, Ray's copy, and one being written, of the smallest network
LIBRARIES = ("carpal-training", "torch", "ultralytics", "ray", "onnx", "onnxslim", "onnxruntime", "numpy", "opencv-python-headless")


def train_run(
    recipe: Recipe, data: Path, out: Path, terminal: Terminal, *, resume: bool = False, repository: str | None = None
) -> Summary:
    """Train, and leave a run in ``out``.

    Args:
        recipe: with ``resume`` this must be the recipe of the run.
        data: a folder in the layout of carpal_training.dataset.
        repository: where ``recipe.start`` is looked for when it names a package.

    Raises:
        CarpalError: of every kind that carpal_training.errors names; Stopped after ctrl-C.
    """
    folder = RunFolder(out.resolve())
    if not resume:
        folder.create()
    elif not folder.last.is_file():
        raise RunMissing(f"{out} has no checkpoint to go on from", "last.pt is written after each epoch.", "Start without --resume.")
    check_space(folder.path, CHECKPOINT_BYTES)
    terminal.say(f"Reading {data}")
    dataset = open_dataset(data)
    split = make_split(dataset, recipe.split)
    start, parent = _start(recipe, dataset, repository)
    summary = _summary(recipe, dataset, split, parent)
    if resume:
        before = folder.read_summary()
        _same_data(before, summary)
        summary = before.model_copy(update={"state": "running"})
    write_recipe(recipe, folder.recipe_file)
    write_whole(folder.split_file, _split_json(split))
    folder.write_summary(summary)
    job = _prepare(recipe, dataset, split, folder, terminal, start, resume)
    return _fit(job, folder, summary, terminal)


def _start(recipe: Recipe, dataset: Dataset, repository: str | None) -> tuple[Path | None, str | None]:
    """The weights to begin with, and the package they are from."""
    if recipe.start == "scratch":
        return None, None
    if recipe.start.endswith(".pt"):
        return Path(recipe.start).resolve(), None
    package = resolve(recipe.start, repository)
    if package.manifest.classes != dataset.classes:
        raise ClassesDiffer(
            f"{recipe.start} knows {', '.join(package.manifest.classes)}; the dataset has {', '.join(dataset.classes)}",
            "The head's channels stand for classes by position.",
            "Start from scratch, or from a package with the same classes in the same order.",
        )
    return package.file(package.variant()).resolve(), f"{package.manifest.name}:{package.manifest.version}"


def _summary(recipe: Recipe, dataset: Dataset, split: Split, parent: str | None) -> Summary:
    return Summary(
        state="running",
        dataset=dataset.name,
        dataset_path=str(dataset.root.resolve()),
        dataset_digest=dataset.digest,
        split_digest=split.digest,
        classes=dataset.classes,
        start=recipe.start,
        parent=parent,
        train_images=len(split.parts["train"]),
        val_images=len(split.parts["val"]),
        code_revision=code_revision(),
        libraries={name: version(name) for name in LIBRARIES},
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _same_data(before: Summary, now: Summary) -> None:
    if (before.dataset_digest, before.split_digest) != (now.dataset_digest, now.split_digest):
        raise ClassesDiffer(
            f"the run was begun on {before.dataset_path} ({before.dataset_digest[:19]}), this is {now.dataset_digest[:19]}",
            "A run goes on only with the images and the split that it began with.",
            "Name the same --data, or start a new run.",
        )


def _prepare(
    recipe: Recipe, dataset: Dataset, split: Split, folder: RunFolder, terminal: Terminal, start: Path | None, resume: bool
) -> Job:
    train, val = split.samples(dataset, "train"), split.samples(dataset, "val")
    with terminal.progress(f"Preparing {len(train) + len(val)} images", len(train) + len(val)) as advance:
        caches = [build_cache(dataset, part, recipe.chain, folder.cache, advance=advance) for part in (train, val)]
    return Job(recipe, folder.path, caches[0], caches[1], dataset.classes, start, resume)


def _fit(job: Job, folder: RunFolder, summary: Summary, terminal: Terminal) -> Summary:
    begun = time.monotonic()
    recipe = job.recipe
    epochs = recipe.epochs
    terminal.say(f"Training {recipe.architecture}, {summary.train_images} images, {epochs} epochs, {recipe.workers} workers (Ray starts: seconds)")

    def close(state: str) -> Summary:
        done = folder.read_epochs()
        best = max((epoch for epoch in done if epoch.map50_95 is not None), key=lambda e: (e.map50_95, e.epoch), default=None)
        found = {} if best is None else {"best_epoch": best.epoch, "best_map50": best.map50, "best_map50_95": best.map50_95}
        spent = (summary.seconds or 0.0) + time.monotonic() - begun
        closed = summary.model_copy(update={"state": state, "epochs_done": len(done), "seconds": round(spent, 1), **found})
        folder.write_summary(closed)
        return closed

    try:
        steps = 0
        with terminal.progress(f"Training {epochs} epochs", epochs * -(-summary.train_images // recipe.batch)) as advance:
            distributed.train(job, _follower(folder, terminal, advance, epochs, steps))
    except KeyboardInterrupt:
        done = close("stopped").epochs_done
        raise Stopped(
            f"stopped after {done} of {epochs} epochs",
            "The checkpoint of the last whole epoch is kept." if done else "No epoch was finished, so there is no checkpoint.",
            f"Go on: carpal train run {folder.recipe_file} --data {summary.dataset_path} --out {folder.path} --resume" if done else "Start again.",
        ) from None
    except CarpalError:
        close("failed")
        raise
    return close("finished")


def _follower(
    folder: RunFolder, terminal: Terminal, advance: Callable[[int], object], epochs: int, begin: int
) -> Callable[[], None]:
    """What the driver does several times a second: move the bar, and say each finished epoch."""
    shown = {"step": begin, "epochs": len(folder.read_epochs()), "begun": time.monotonic()}
    first = shown["epochs"]

    def tick() -> None:
        step, _ = folder.read_progress()
        if step > shown["step"]:
            advance(int(step - shown["step"]))
            shown["step"] = step
        done = folder.read_epochs()
        for epoch in done[int(shown["epochs"]) :]:
            spent = time.monotonic() - shown["begun"]
            left = spent / (epoch.epoch - first) * (epochs - epoch.epoch)
            accuracy = "" if epoch.map50 is None else f", mAP50 {epoch.map50:.3f}, mAP50-95 {epoch.map50_95:.3f}"
            terminal.say(
                f"epoch {epoch.epoch}/{epochs}: box {epoch.box_loss:.3f}, class {epoch.class_loss:.3f}, "
                f"dfl {epoch.dfl_loss:.3f}{accuracy}; {epoch.seconds:.0f} s, {_clock(left)} left"
            )
        shown["epochs"] = len(done)

    return tick


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def _split_json(split: Split) -> bytes:
    import orjson

    return orjson.dumps({"digest": split.digest, "parts": split.parts}, option=orjson.OPT_INDENT_2)


def code_revision() -> str:
    """The commit of the checkout that this file is in, with "+changes" where files differ from it; else "unknown"."""
    here = Path(__file__).parent
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        commands = (["git", "rev-parse", "HEAD"], ["git", "status", "--porcelain", "--untracked-files=no", "--", "."])
        head, changes = (
            subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, check=True, timeout=10).stdout
            for command in commands
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return head.strip() + ("+changes" if changes.strip() else "")
