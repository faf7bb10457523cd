"""When a run goes on by itself; that it really does so on Ray is in tests/integration/test_training_run.py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from carpal.errors import CarpalError
from carpal_training.distributed import training
from carpal_training.errors import DivergedError, WorkerLostError
from carpal_training.job import Job
from carpal_training.recipe import Recipe
from carpal_training.run import Epoch, RunFolder

LOST = WorkerLostError("Ray was lost", "why", "remedy")
DIVERGED = DivergedError("the loss became nan", "why", "remedy")


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Job]]:
    """``attempts(failure, ...)``: what each attempt ends with; gives the jobs that were tried."""

    def play(*endings: CarpalError | None) -> list[Job]:
        tried: list[Job] = []

        def on_cluster(work: object, job: Job, cores: int, tick: Callable[[], None]) -> None:
            tried.append(job)
            assert cores == job.recipe.workers
            if (failure := endings[len(tried) - 1]) is not None:
                raise failure

        monkeypatch.setattr(training, "on_cluster", on_cluster)
        monkeypatch.setattr(training, "PAUSE_S", 0.0)
        return tried

    return play


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(Recipe(epochs=9, restarts=2), tmp_path, tmp_path, tmp_path, ("a",))


def test_a_lost_worker_is_said_and_the_run_goes_on(attempts: Callable[..., list[Job]], job: Job) -> None:
    said: list[str] = []
    RunFolder(job.run).write_epochs([Epoch(1, 1.0, 1.0, 1.0, 1.0, 0.1, None, None)])
    tried = attempts(LOST, LOST, None)
    training.train(job, lambda: None, said.append)
    assert len(tried) == 3
    assert said == ["Ray was lost; going on after epoch 1"] * 2


def test_a_worker_that_is_lost_too_often_ends_the_run(attempts: Callable[..., list[Job]], job: Job) -> None:
    tried = attempts(LOST, LOST, LOST, None)
    with pytest.raises(WorkerLostError):
        training.train(job, lambda: None, lambda _: None)
    assert len(tried) == 3


def test_what_would_come_again_is_not_tried_again(attempts: Callable[..., list[Job]], job: Job) -> None:
    tried = attempts(DIVERGED, None)
    with pytest.raises(DivergedError):
        training.train(job, lambda: None, lambda _: None)
    assert len(tried) == 1
