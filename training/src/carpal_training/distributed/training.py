"""A run on Ray Train: one process a worker, on this machine or on a cluster."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from carpal_training.distributed.cluster import on_cluster
from carpal_training.errors import WorkerLostError
from carpal_training.job import Job
from carpal_training.run import Epoch, RunFolder

PAUSE_S = 2.0  # before the next attempt, doubled each time: a head that was lost may be coming back


def train(job: Job, tick: Callable[[], None], say: Callable[[str], None]) -> None:
    """Run a job on its recipe's workers; returns when the last epoch is done.

    After a worker or the head was lost all are started again, from the last checkpoint, ``recipe.restarts`` times at
    most. What a worker raises by itself (a loss that is no number, say) would come again, and is not tried again.

    Args:
        job: what to train; its paths must be readable at the same place by every worker.
        tick: called several times a second from this thread.
        say: hears of what was lost.

    Raises:
        CarpalError: what a worker raised.
        SharedMemorySmallError: Ray would not start here.
        WorkerLostError: a worker was lost once more than that.
        KeyboardInterrupt: passed on after the workers were ended.
    """
    for attempt in range(job.recipe.restarts + 1):
        try:
            on_cluster(fit, job, job.recipe.workers, tick)
        except WorkerLostError as failure:
            if attempt == job.recipe.restarts:
                raise
            say(f"{failure.what}; going on after epoch {len(RunFolder(job.run).read_epochs())}")
            time.sleep(PAUSE_S * 2**attempt)
        else:
            return


def fit(job: Job) -> None:
    """One attempt, from a process that is connected to a cluster."""
    import ray.train
    from ray.train.torch import TorchConfig, TorchTrainer

    place = job.run / "ray"
    shutil.rmtree(place, ignore_errors=True)  # of an earlier attempt; last.pt holds all that is needed
    TorchTrainer(
        _work,
        train_loop_config={"job": job},
        torch_config=TorchConfig(backend="nccl" if job.recipe.gpu else "gloo"),
        scaling_config=ray.train.ScalingConfig(num_workers=_workers(job), use_gpu=job.recipe.gpu),
        run_config=ray.train.RunConfig(
            name="run",
            storage_path=str(place),
            failure_config=ray.train.FailureConfig(max_failures=0),
        ),
    ).fit()


def _workers(job: Job) -> int | tuple[int, int]:
    """Fixed, or from the fewest to all: then Ray takes what the cluster has, and more as more comes."""
    fewest, most = job.recipe.fewest_workers, job.recipe.workers
    return most if fewest is None or fewest == most else (fewest, most)


def _work(config: dict[str, Any]) -> None:
    """The body of one worker, in its own process; RANK is set by now, so ultralytics may be imported."""
    import ray.train
    import ray.train.torch
    import torch

    from carpal_training.group import Group
    from carpal_training.loop import Loop, threads_a_worker

    job: Job = config["job"]
    torch.set_num_threads(threads_a_worker(ray.train.get_context().get_local_world_size()))
    device = ray.train.torch.get_device() if job.recipe.gpu else torch.device("cpu")

    def report(epoch: Epoch, _: Path) -> None:
        # Every rank reports every epoch: Ray waits for all of them. The checkpoint lies in the run's folder already.
        ray.train.report({name: value for name, value in epoch.figures().items() if value is not None})

    group = Group()
    with RunFolder(job.run).held() if group.rank == 0 else nullcontext():
        group.gather("held")  # no rank reads the checkpoint before the last one that wrote it has gone
        Loop(job, group, device).run(report)
