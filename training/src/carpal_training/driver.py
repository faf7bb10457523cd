"""`carpal train run`: from a recipe and a folder of images to a finished run."""

from __future__ import annotations

import hashlib
import os
import shlex
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NoReturn

from carpal.interruption import STOP_SIGNALS
from carpal.terminal import Terminal
from carpal_training.batches import steps_an_epoch
from carpal_training.data.cache import check_space, open_cache
from carpal_training.data.dataset import Dataset
from carpal_training.data.splits import Split
from carpal_training.distributed.training import train
from carpal_training.errors import DataDiffersError, RunMissingError, StoppedError
from carpal_training.follower import Follower
from carpal_training.job import Job
from carpal_training.journals import Journal
from carpal_training.order import shown
from carpal_training.origin import code_revision, library_versions
from carpal_training.preparation import find_start, open_parts, prepare
from carpal_training.recipe import Recipe
from carpal_training.run import DatasetUsed, RunFolder, Summary

CHECKPOINT_BYTES = 250_000_000  # last, best, and one being written, of the smallest network


Fit = Callable[[Job, Callable[[], None], Callable[[str], None]], None]


def train_run(
    recipe: Recipe,
    data: Sequence[Path],
    out: Path,
    terminal: Terminal,
    *,
    resume: bool = False,
    repository: str | None = None,
    fit: Fit = train,
    journals: Sequence[Journal] = (),
) -> Summary:
    """Train, and leave a run in ``out``.

    Args:
        recipe: with ``resume`` this is the recipe of the run.
        data: folders of datasets; several are combined (``carpal_training.data.combining``). With ``resume`` it may be
            empty: the run knows its datasets.
        out: the run's folder; it must not hold anything, but with ``resume`` a run with a checkpoint.
        terminal: hears of the progress.
        resume: go on from the last checkpoint.
        repository: where ``recipe.start`` is looked for when it names a package.
        fit: runs the job, calling its second argument now and then and its third to say something; on Ray by default.
        journals: where each epoch is noted; they are closed at the end.

    Raises:
        CarpalError: of every kind that carpal_training.errors names; StoppedError after ctrl-C.
    """
    folder = RunFolder(out.resolve())
    if not resume:
        folder.check_free()
    elif not folder.last.is_file():
        raise RunMissingError(
            f"{out} has no checkpoint to go on from", "last.pt is written after each epoch.", "Start without --resume."
        )
    if resume and not data:
        data = [Path(used.path) for used in folder.read_summary().datasets]
    kept = folder.read_split() if resume else None
    dataset, split = open_parts(data, recipe, terminal, leaks=not resume, kept=kept)
    # The checkpoint replaces the weights of the start, which need not be on the machine that goes on.
    start, parent = (None, None) if resume else find_start(recipe.start, dataset.classes, repository)
    summary = summarise(recipe, data, dataset, split, parent)
    if resume:
        summary = continued(folder.read_summary(), summary)
    folder.path.mkdir(parents=True, exist_ok=True)
    check_space(folder.path, CHECKPOINT_BYTES)
    folder.write_recipe(recipe)
    folder.write_split(split)
    folder.write_summary(summary)
    train_images, val_images = prepare(dataset, split, recipe.chain, folder.cache, terminal)
    job = Job(recipe, folder.path, train_images, val_images, dataset.classes, start)
    return _fit(job, folder, summary, terminal, fit, journals)


def summarise(recipe: Recipe, data: Sequence[Path], dataset: Dataset, split: Split, parent: str | None) -> Summary:
    """The summary of a run at its start; ``data`` are the folders of the dataset or of its members, in order."""
    members = dataset.members or (dataset,)
    parts = {part: Counter(sample.member for sample in split.samples(dataset, part)) for part in ("train", "val")}
    return Summary(
        state="running",
        dataset=dataset.name,
        datasets=tuple(
            DatasetUsed(
                name=member.name,
                path=str(path.resolve()),
                digest=member.digest,
                classes=member.classes,
                unit=member.unit,
                train_images=parts["train"][member.name if dataset.members else ""],
                val_images=parts["val"][member.name if dataset.members else ""],
            )
            for path, member in zip(data, members, strict=True)
        ),
        dataset_digest=dataset.digest,
        split_digest=split.digest,
        classes=dataset.classes,
        start=recipe.start,
        start_sha256=_file_digest(recipe.start),
        parent=parent,
        cores=len(os.sched_getaffinity(0)),
        core_hours_before=_core_hours_before(recipe.start),
        train_images=len(split.parts["train"]),
        val_images=len(split.parts["val"]),
        code_revision=code_revision(),
        libraries=library_versions(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _file_digest(start: str) -> str | None:
    """SHA-256 of the .pt file that a run starts from, hexadecimal; None where it is not (any more)."""
    file = Path(start)
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.suffix == ".pt" and file.is_file() else None


def _core_hours_before(start: str) -> float:
    """Core hours of the run that a checkpoint lies in; 0 for other weights, whose cost is not known here."""
    folder = RunFolder(Path(start).parent)
    if not start.endswith(".pt") or not folder.summary_file.is_file():
        return 0.0
    return folder.read_summary().core_hours or 0.0


def continued(before: Summary, now: Summary) -> Summary:
    """The summary of a run that goes on.

    Raises:
        DataDiffersError: on other images or with another split.
    """
    if (before.dataset_digest, before.split_digest) != (now.dataset_digest, now.split_digest):
        raise DataDiffersError(
            f"the run began on {_paths(before)}; {_paths(now)} holds other images or another split",
            "A run goes on only with what it began with.",
            "Name the same --data, or start a new run.",
        )
    return before.model_copy(update={"state": "running"})


def _paths(summary: Summary) -> str:
    return ", ".join(used.path for used in summary.datasets)


def _fit(
    job: Job, folder: RunFolder, summary: Summary, terminal: Terminal, fit: Fit, journals: Sequence[Journal]
) -> Summary:
    recipe = job.recipe
    images = shown(open_cache(job.train), recipe.augmentation, recipe.datasets)
    steps = recipe.epochs * steps_an_epoch(images.an_epoch, recipe.batch)
    begun = time.monotonic()
    state: Literal["stopped", "failed", "finished"] = "failed"
    terminal.say(
        f"Training {recipe.architecture} on {summary.train_images} images, {recipe.epochs} epochs, "
        f"{recipe.workers} workers; Ray takes some seconds to start"
    )
    try:
        with terminal.progress(f"Training {recipe.epochs} epochs", steps) as advance, _stopped_by_signals(terminal):
            follower = Follower(folder, terminal, advance, recipe.epochs, journals)
            fit(job, follower.tick, terminal.say)
            follower.tick()
        state = "finished"
    except KeyboardInterrupt:
        state = "stopped"
        _say_stopped(folder, recipe)
    finally:
        summary = _closed(folder, summary, state, time.monotonic() - begun)
        folder.write_summary(summary)
        for journal in journals:
            journal.close()
    return summary


def _closed(
    folder: RunFolder, summary: Summary, state: Literal["stopped", "failed", "finished"], seconds: float
) -> Summary:
    """The summary at the end, with the best epoch by mAP50-95."""
    done = folder.read_epochs()
    validated = [epoch for epoch in done if epoch.map50_95 is not None]
    best = max(validated, key=lambda epoch: (epoch.map50_95 or 0.0, epoch.epoch), default=None)
    found = {} if best is None else {"best_epoch": best.epoch, "best_map50": best.map50, "best_map50_95": best.map50_95}
    spent = round((summary.seconds or 0.0) + seconds, 1)
    return summary.model_copy(update={"state": state, "epochs_done": len(done), "seconds": spent, **found})


def _say_stopped(folder: RunFolder, recipe: Recipe) -> NoReturn:
    done = len(folder.read_epochs())
    command = f"carpal train run --out {shlex.quote(str(folder.path))} --resume"
    raise StoppedError(
        f"stopped after {done} of {recipe.epochs} epochs",
        "The checkpoint of the last whole epoch is kept." if done else "No epoch was finished: there is no checkpoint.",
        f"Go on: {command}" if done else f"Remove {folder.path} and start again.",
    ) from None


@contextmanager
def _stopped_by_signals(terminal: Terminal) -> Iterator[None]:
    """SIGTERM and SIGHUP stop a run as ctrl-C does; so does SIGINT in the background, but not SIGHUP under nohup."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> NoReturn:
        for number in before:
            signal.signal(number, signal.SIG_IGN)  # ending the workers takes Ray a few seconds, and is done once
        terminal.say("Stopping; the checkpoint of the last whole epoch stays")
        raise KeyboardInterrupt

    nohup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    before = {number: signal.signal(number, stop) for number in STOP_SIGNALS if not (nohup and number == signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
