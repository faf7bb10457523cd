"""A cluster to work on, for as long as a piece of work takes, and a process of its own that sends the work there.

Ray ends the process that sent the work when its own parts on this machine (the head) are lost. So that the command
outlives them, and can try again, the work is sent from a process beside it.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import secrets
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

from carpal.errors import CarpalError
from carpal_training.distributed.surroundings import STORE_BYTES, check_reachable, check_shared_memory, short_folder
from carpal_training.errors import ClusterMissingError, WorkerLostError

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
    "RAY_agent_register_timeout_ms": "120000",  # its own helpers take longer than 15 s to start on a busy machine
    "PYTHONWARNINGS": "ignore",
}
POLL_S = 0.2
ENDING_S = 20.0  # what Ray may take to end its processes before they are killed
Plan = TypeVar("Plan")


def on_cluster(work: Callable[[Plan], None], plan: Plan, cores: int, tick: Callable[[], None]) -> None:
    """Do a piece of work from a process of its own that has a cluster; returns when it is done.

    Args:
        work: a function of a module, so that another process finds it.
        plan: its argument; it travels there.
        cores: of a private cluster.
        tick: called several times a second from this thread.

    Raises:
        CarpalError: what the work, or a worker of it, raised.
        SharedMemorySmallError: Ray would not start here.
        WorkerLostError: a worker, or Ray itself, was lost.
        KeyboardInterrupt: passed on after the process was ended.
    """
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    process = context.Process(target=_apart, args=(theirs, work, plan, cores), name="ray-driver")
    process.start()
    theirs.close()
    try:
        while not mine.poll(POLL_S):
            tick()
        failure: CarpalError | None = mine.recv()
    except (EOFError, ConnectionError):
        failure = WorkerLostError(
            "Ray was lost",
            "Its head, or the process that spoke to it, was killed or ran out of memory.",
            "Go on from the last checkpoint with --resume.",
        )
    finally:
        mine.close()  # which tells the other process to stop, if it has not
        process.join(ENDING_S)
        process.kill()
        process.join()
    if failure is not None:
        raise failure


def _apart(link: Connection, work: Callable[[Plan], None], plan: Plan, cores: int) -> None:
    """The process of its own. It ends early when the other end of the link is closed, by whatever it was."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a shell's ctrl-C reaches this one too; the other decides
    os.environ.update(QUIET)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # results go there, and Ray talks
    outcome: list[BaseException] = []

    def do() -> None:
        # Not in the main thread: there Ray takes over signals.
        try:
            work(plan)
        except BaseException as failure:
            outcome.append(failure)

    try:
        with cluster(cores):
            thread = threading.Thread(target=do, name="ray-work", daemon=True)
            thread.start()
            while thread.is_alive():
                if link.poll(POLL_S):
                    return
    except BaseException as failure:
        outcome.append(failure)
    with contextlib.suppress(OSError):
        link.send(told(outcome[0]) if outcome else None)


@contextlib.contextmanager
def cluster(cores: int) -> Iterator[None]:
    """The cluster that RAY_ADDRESS names, or a private one on this machine for as long as the work takes.

    Raises:
        ClusterMissingError: nothing answers at that address, or Ray does not start here.
        SharedMemorySmallError: too little shared memory for a private one.
    """
    import ray

    address = os.environ.get("RAY_ADDRESS", "")
    if address not in ("", "local"):  # as Ray reads it, too
        check_reachable(address)
        try:
            with _starting(f"RAY_ADDRESS is {address}", "Correct RAY_ADDRESS, or unset it to train on this machine."):
                ray.init(log_to_driver=False, logging_level=logging.ERROR)
            yield
        finally:
            ray.shutdown()
        return
    # Ray would write one into the home of the user, which a container may not have, and for all runs there.
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(16))
    check_shared_memory(shutil.disk_usage("/dev/shm").free if Path("/dev/shm").is_dir() else None)
    folder = tempfile.mkdtemp(prefix="ray-", dir=short_folder(Path(tempfile.gettempdir())))
    try:
        with _starting("Ray does not start on this machine", "Correct what is said above, and go on with --resume."):
            ray.init(
                address="local",
                num_cpus=cores,
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


@contextlib.contextmanager
def _starting(where: str, remedy: str) -> Iterator[None]:
    try:
        yield
    except Exception as failure:
        words = str(failure).strip().splitlines() or [type(failure).__name__]
        raise ClusterMissingError(f"{where}: {words[0]}", "\n".join(words[:12]), remedy) from failure


def told(failure: BaseException) -> CarpalError:
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
