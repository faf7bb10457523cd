"""A run on Ray Train: one process a worker, on this machine or on a cluster. No other module imports ray."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from carpal.errors import CarpalError
from carpal_training.errors import SharedMemorySmallError, WorkerLostError
from carpal_training.job import Job
from carpal_training.run import Epoch

# Ray reads these while it is imported or started: nothing is reported, nothing listens outside this machine.
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_TRAIN_METRICS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_TRAIN_V2_ENABLED": "1",
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",
    "RAY_worker_niceness": "0",  # by default Ray's workers give way to everything else on the machine (nice 15)
    "RAY_enable_metrics_collection": "0",
    "RAY_DEDUP_LOGS": "0",
    "PYTHONWARNINGS": "ignore",
}
STORE_BYTES = 80_000_000  # Ray's smallest object store is 75 MB; the images travel as files, not through it
POLL_S = 0.2


def train(job: Job, tick: Callable[[], None]) -> None:
    """Run a job on ``job.recipe.workers`` Ray workers; returns when the last epoch is done.

    Args:
        job: what to train; its paths must be readable at the same place by every worker.
        tick: called several times a second from this thread.

    Raises:
        CarpalError: what a worker raised.
        SharedMemorySmallError: Ray would not start here.
        WorkerLostError: a worker failed in another way.
        KeyboardInterrupt: passed on after the workers were ended.
    """
    os.environ.update(QUIET)
    shutil.rmtree(job.run / "ray", ignore_errors=True)  # of an earlier attempt; last.pt holds all that is needed
    with _cluster(job.recipe.workers):
        outcome: list[BaseException] = []

        def fit() -> None:
            # Not in the main thread: there Ray takes over ctrl-C, and takes its time.
            try:
                _fit(job)
            except BaseException as failure:
                outcome.append(failure)

        thread = threading.Thread(target=fit, name="ray-train", daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(POLL_S)
            tick()
        if outcome:
            raise told(outcome[0])


def _fit(job: Job) -> None:
    import ray.train
    from ray.train.torch import TorchConfig, TorchTrainer

    TorchTrainer(
        _work,
        train_loop_config={"job": job},
        torch_config=TorchConfig(backend="nccl" if job.recipe.gpu else "gloo"),
        scaling_config=ray.train.ScalingConfig(num_workers=job.recipe.workers, use_gpu=job.recipe.gpu),
        run_config=ray.train.RunConfig(
            name="run",
            storage_path=str(job.run / "ray"),
            checkpoint_config=ray.train.CheckpointConfig(num_to_keep=1),
            failure_config=ray.train.FailureConfig(max_failures=job.recipe.restarts),
        ),
    ).fit()


def _work(config: dict[str, Any]) -> None:
    """The body of one worker, in its own process; RANK is set by now, so ultralytics may be imported."""
    import ray.train
    import ray.train.torch
    import torch

    from carpal_training.group import Group
    from carpal_training.loop import Loop, threads_a_worker

    job: Job = config["job"]
    if ray.train.get_checkpoint() is not None:  # Ray started the workers again; last.pt is at least as new as its copy
        job = replace(job, resume=True)
    group = Group()
    torch.set_num_threads(threads_a_worker(job.recipe.workers))
    device = ray.train.torch.get_device() if job.recipe.gpu else torch.device("cpu")

    def report(epoch: Epoch, checkpoint: Path) -> None:
        # Every rank reports every epoch: Ray waits for all of them. Rank 0 alone hands a checkpoint over.
        metrics = {name: value for name, value in vars(epoch).items() if value is not None}
        if group.rank != 0:
            ray.train.report(metrics)
            return
        with tempfile.TemporaryDirectory(dir=checkpoint.parent, prefix=".ray-") as folder:
            shutil.copyfile(checkpoint, Path(folder) / checkpoint.name)
            ray.train.report(metrics, checkpoint=ray.train.Checkpoint.from_directory(folder))

    Loop(job, group, device).run(report)


@contextlib.contextmanager
def _cluster(workers: int) -> Iterator[None]:
    """The cluster that RAY_ADDRESS names, or a private one on this machine for as long as the run takes."""
    import ray

    if "RAY_ADDRESS" in os.environ:
        ray.init(log_to_driver=False, logging_level=logging.ERROR)
        try:
            yield
        finally:
            ray.shutdown()
        return
    check_shared_memory(shutil.disk_usage("/dev/shm").free if Path("/dev/shm").is_dir() else None)
    folder = tempfile.mkdtemp(prefix="ray-")  # short: the paths of its sockets may have 107 bytes
    try:
        ray.init(
            address="local",
            num_cpus=workers,
            include_dashboard=False,
            object_store_memory=STORE_BYTES,
            log_to_driver=False,
            logging_level=logging.ERROR,
            _node_ip_address="127.0.0.1",
            _temp_dir=folder,
        )
        yield
    finally:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def check_shared_memory(free_bytes: int | None) -> None:
    """Refuse before Ray starts: it would fall back to files, and be slow without a word.

    Args:
        free_bytes: in /dev/shm; None where a system has none.

    Raises:
        SharedMemorySmallError: less than the object store takes.
    """
    if free_bytes is not None and free_bytes < STORE_BYTES:
        raise SharedMemorySmallError(
            f"/dev/shm has {free_bytes / 1e6:.0f} MB free, {STORE_BYTES / 1e6:.0f} MB are needed",
            "Ray keeps its object store there; a container gets 64 MB unless it is told otherwise.",
            "Give it more: docker run --shm-size=1g, or an emptyDir with medium Memory at /dev/shm.",
        )


def told(failure: BaseException) -> BaseException:
    """The typed error inside what Ray raised, or one that carries Ray's words."""
    seen: list[BaseException] = [failure]
    for error in seen:  # grows while it is walked
        if isinstance(error, CarpalError):
            return error
        inner = [error.__cause__, getattr(error, "cause", None), *getattr(error, "worker_failures", {}).values()]
        seen += [item for item in inner if isinstance(item, BaseException) and item not in seen]
    words = str(failure).strip().splitlines() or [type(failure).__name__]
    return WorkerLostError(
        f"a worker failed: {words[-1]}",
        "\n".join(words[-12:]),
        "Go on from the last checkpoint with --resume, or use fewer --workers.",
    )
