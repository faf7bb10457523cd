from collections.abc import Callable
from pathlib import Path

import pytest

from carpal.terminal import Terminal
from carpal_training.data.opening import open_dataset
from carpal_training.data.splits import make_split
from carpal_training.driver import continued, summarise, train_run
from carpal_training.errors import DataDiffersError, DatasetMissingError, RunExistsError, RunMissingError
from carpal_training.recipe import Recipe

QUIET = Terminal(quiet=True)
RECIPE = Recipe(epochs=1, size_px=64)


def test_a_folder_with_something_in_it_is_left_alone(data: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/precious.txt").write_text("x")
    with pytest.raises(RunExistsError):
        train_run(RECIPE, data, tmp_path / "out", QUIET)
    assert (tmp_path / "out/precious.txt").read_text() == "x"


def test_a_run_that_cannot_begin_makes_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetMissingError):
        train_run(RECIPE, tmp_path / "nowhere", tmp_path / "out", QUIET)
    assert not (tmp_path / "out").exists()


def test_going_on_needs_a_checkpoint(data: Path, tmp_path: Path) -> None:
    with pytest.raises(RunMissingError, match="no checkpoint"):
        train_run(RECIPE, data, tmp_path / "out", QUIET, resume=True)


def test_a_run_does_not_go_on_with_other_images(data: Path, tmp_path: Path, write_dataset: Callable[..., Path]) -> None:
    summaries = []
    for folder in (data, write_dataset(tmp_path / "other", count=10)):
        dataset = open_dataset(folder)
        summaries.append(summarise(RECIPE, dataset, make_split(dataset, RECIPE.split), None))
    assert continued(summaries[0], summaries[0]).state == "running"
    with pytest.raises(DataDiffersError):
        continued(summaries[0], summaries[1])
