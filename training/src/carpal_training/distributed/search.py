"""Trials on Ray Tune: as many at a time as there is room for, the worse ones ended early."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from carpal_training.errors import DivergedError
from carpal_training.job import Job
from carpal_training.run import Epoch, RunFolder, write_whole

METRIC = "map50_95"
FAILED = "failed.json"
LOST = 2  # times that a trial goes on from its last checkpoint after its worker was lost


@dataclass(frozen=True)
class Trials:
    """What a process that is connected to a cluster needs to know.

    Attributes:
        jobs: one a trial, each with a folder of its own.
        place: where Ray keeps its notes.
        epochs, grace_epochs, keep_one_of: of the successive halving.
        at_once: trials at the same time; None for as many as there are cores or GPUs.
    """

    jobs: tuple[Job, ...]
    place: Path
    epochs: int
    grace_epochs: int
    keep_one_of: int
    at_once: int | None


def tune(trials: Trials) -> None:
    """Run them all; what came of each lies in its folder.

    A search that goes on begins anew for Ray, and each trial first reports the epochs that its folder already has.
    """
    from ray import tune
    from ray.tune.schedulers import ASHAScheduler

    shutil.rmtree(trials.place, ignore_errors=True)
    gpu = trials.jobs[0].recipe.gpu
    tune.Tuner(
        tune.with_resources(_trial, {"cpu": 1, "gpu": int(gpu)}),
        param_space={"job": tune.grid_search(list(trials.jobs))},
        tune_config=tune.TuneConfig(
            metric=METRIC,
            mode="max",
            max_concurrent_trials=trials.at_once,
            scheduler=ASHAScheduler(
                time_attr="epoch",
                max_t=trials.epochs,
                grace_period=min(trials.grace_epochs, trials.epochs),
                reduction_factor=trials.keep_one_of,
            ),
            trial_dirname_creator=lambda trial: str(trial.trial_id),  # by default every field of the job is in it
        ),
        run_config=tune.RunConfig(
            name="search",
            storage_path=str(trials.place),
            verbose=0,
            failure_config=tune.FailureConfig(max_failures=LOST),
        ),
    ).fit()


def _trial(config: dict[str, Any]) -> None:
    """One trial, in its own process."""
    import torch
    from ray import tune

    from carpal_training.group import Group
    from carpal_training.loop import Loop

    job: Job = config["job"]
    folder = RunFolder(job.run)
    torch.set_num_threads(1)

    def report(epoch: Epoch, _: Path | None = None) -> None:
        tune.report({"epoch": epoch.epoch, METRIC: epoch.map50_95 or 0.0})

    with folder.held():
        if (folder.path / FAILED).is_file():
            for epoch in folder.read_epochs():
                report(epoch)
            return
        try:
            loop = Loop(job, Group(), torch.device("cuda" if job.recipe.gpu else "cpu"))
            for epoch in loop.history:
                report(epoch)
            loop.run(report)
        except DivergedError as failure:  # bad settings are an answer, and no reason to end the others
            write_whole(folder.path / FAILED, orjson.dumps(failure.as_dict()))
