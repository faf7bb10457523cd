"""A search on a tiny dataset, its trials trained one after the other in this process; Ray runs them in
tests/integration/test_training_run.py."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from carpal.terminal import Terminal
from carpal_training.distributed.search import Trials
from carpal_training.errors import RunExistsError, RunMissingError, SearchFailedError, StoppedError
from carpal_training.group import Group
from carpal_training.loop import Loop
from carpal_training.recipe import Recipe, read_recipe
from carpal_training.run import RunFolder
from carpal_training.search.plan import Search
from carpal_training.search.study import read_again, run_search

QUIET = Terminal(quiet=True)
RECIPE = Recipe(epochs=1, size_px=32, batch=4, workers=2, warmup_epochs=0.0, validate_every=1)
SEARCH = Search.model_validate(
    {"recipe": "r.yaml", "trials": 2, "grace_epochs": 1, "space": {"lr": {"choices": [0.002]}}}
)


def in_turn(trials: Trials, tick: Callable[[], None]) -> None:
    torch.set_num_threads(1)
    for job in trials.jobs:
        Loop(job, Group(), torch.device("cpu")).run(lambda *_: tick())


def test_the_best_settings_are_left_as_a_recipe(data: Path, tmp_path: Path) -> None:
    found = run_search(SEARCH, RECIPE, data, tmp_path / "out", QUIET, run_trials=in_turn)
    assert [one.state for one in found.trials] == ["whole", "whole"]
    best = read_recipe(tmp_path / "out/best.yaml")
    assert best.lr == (0.002 if found.best else RECIPE.lr)
    assert (best.workers, best.restarts) == (RECIPE.workers, RECIPE.restarts)
    assert (tmp_path / "out/trials.csv").read_text().count("\n") == 3
    with pytest.raises(RunExistsError):
        run_search(SEARCH, RECIPE, data, tmp_path / "out", QUIET, run_trials=in_turn)

    search, recipe = read_again(tmp_path / "out")
    again = run_search(search, recipe, data, tmp_path / "out", QUIET, resume=True, run_trials=lambda *_: None)
    assert again.trials == found.trials  # what was trained is kept


def test_a_search_that_is_stopped_says_how_to_go_on(data: Path, tmp_path: Path) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(StoppedError) as caught:
        run_search(SEARCH, RECIPE, data, tmp_path / "a search", QUIET, run_trials=stop)
    words = shlex.split(caught.value.remedy.removeprefix("Go on: "))  # it can be pasted, from any folder
    out = tmp_path / "a search"
    assert words[3:] == [str(out / "search.yaml"), "--data", str(data), "--out", str(out), "--resume"]
    assert (out / "trials.csv").read_text().count("not begun") == 2


def test_a_search_of_which_nothing_came_is_a_failure(data: Path, tmp_path: Path) -> None:
    with pytest.raises(SearchFailedError):
        run_search(SEARCH, RECIPE, data, tmp_path / "out", QUIET, run_trials=lambda *_: None)


def test_going_on_needs_a_search(tmp_path: Path) -> None:
    with pytest.raises(RunMissingError):
        read_again(tmp_path)


def test_each_trial_has_a_folder_of_its_own(data: Path, tmp_path: Path) -> None:
    seen: list[Path] = []

    def look(trials: Trials, tick: Callable[[], None]) -> None:
        seen.extend(job.run for job in trials.jobs)
        raise KeyboardInterrupt

    with pytest.raises(StoppedError):
        run_search(SEARCH, RECIPE, data, tmp_path / "out", QUIET, run_trials=look)
    assert [path.name for path in seen] == ["000", "001"]
    assert RunFolder(seen[1]).read_recipe().lr == 0.002
