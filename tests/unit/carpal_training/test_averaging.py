"""The mean of related runs is a run: weights, core hours, and what is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
import torch

from carpal.cli import run
from carpal_training.averaging import average_runs
from carpal_training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from carpal_training.data.splits import Split
from carpal_training.errors import DataDiffersError, RunExistsError, RunMissingError, RunsUnrelatedError
from carpal_training.recipe import Recipe
from carpal_training.run import RunFolder, Summary

MakeRun = Callable[..., Path]
START = "0" * 64


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Write a run with weights of one value; it takes an hour on two cores."""

    def make(name: str, value: float, *, start: str | None = START, before: float = 0.0, **differing: object) -> Path:
        folder = RunFolder(tmp_path / name)
        folder.path.mkdir()
        folder.write_recipe(Recipe(epochs=3, size_px=64))
        folder.write_split(Split({"train": ("a",), "val": ("b",), "test": ()}))
        weights = {"weight": torch.full((2, 3), value), "steps": torch.tensor(int(value * 10))}
        classes = differing.pop("classes", ["fracture"])
        save_checkpoint(Checkpoint("yolov8n", list(classes), 3, 9, 0.5, weights, weights, {}), folder.best)
        facts = {
            "state": "finished",
            "dataset": "limbs",
            "datasets": (),
            "dataset_digest": "sha256:1",
            "split_digest": "sha256:2",
            "classes": ("fracture",),
            "start": "start.pt",
            "start_sha256": start,
            "train_images": 1,
            "val_images": 1,
            "code_revision": "none",
            "libraries": {},
            "created": "2026-12-01T00:00:00+00:00",
            "seconds": 3600.0,
            "cores": 2,
            "core_hours_before": before,
            "epochs_done": 3,
            "best_epoch": 2,
            "best_map50": 0.5,
        }
        folder.write_summary(Summary.model_validate({**facts, **differing}))
        return folder.path

    return make


def digest(run: Path) -> str:
    return hashlib.sha256((run / "best.pt").read_bytes()).hexdigest()


def test_average_of_runs_with_one_start_is_the_mean_and_counts_both(make_run: MakeRun, tmp_path: Path) -> None:
    first, second = make_run("first", 0.2, before=5.0), make_run("second", 0.6, before=5.0)
    summary = average_runs([first, second], tmp_path / "mean")
    mean = load_checkpoint(tmp_path / "mean/best.pt")
    assert torch.allclose(mean.average["weight"], torch.full((2, 3), 0.4))
    assert mean.average["steps"] == 6  # no float: of the last
    assert summary.core_hours == 9.0  # two hours each, and five before both
    assert (summary.epochs_done, summary.best_epoch, summary.best_map50) == (6, None, None)
    assert summary.average_of == (digest(first), digest(second))
    folder = RunFolder(tmp_path / "mean")
    assert (folder.read_summary(), folder.read_recipe().size_px) == (summary, 64)
    assert folder.read_split() == RunFolder(second).read_split()


def test_average_of_runs_that_continue_one_another_counts_each_once(make_run: MakeRun, tmp_path: Path) -> None:
    first = make_run("first", 0.1, before=5.0)
    second = make_run("second", 0.2, start=digest(first), before=7.0)
    third = make_run("third", 0.6, start=digest(second), before=9.0)
    summary = average_runs([first, second, third], tmp_path / "mean")
    assert torch.allclose(load_checkpoint(tmp_path / "mean/best.pt").average["weight"], torch.full((2, 3), 0.3))
    assert summary.core_hours == RunFolder(third).read_summary().core_hours == 11.0


@pytest.mark.parametrize(
    "differing",
    [{"start": "1" * 64}, {"start": None}, {"classes": ["fracture", "metal"]}],
    ids=["another start", "random weights", "other classes"],
)
def test_average_refuses_unrelated_runs(make_run: MakeRun, tmp_path: Path, differing: dict[str, object]) -> None:
    runs = [make_run("first", 0.2), make_run("second", 0.6, **differing)]
    with pytest.raises(RunsUnrelatedError):
        average_runs(runs, tmp_path / "mean")
    assert not (tmp_path / "mean").exists()


def test_average_refuses_random_starts_one_run_and_the_wrong_order(make_run: MakeRun, tmp_path: Path) -> None:
    first, scratch = make_run("first", 0.2, start=None), make_run("scratch", 0.6, start=None)
    second = make_run("second", 0.6, start=digest(first))
    for runs in ([first, scratch], [first], [second, first]):
        with pytest.raises(RunsUnrelatedError):
            average_runs(runs, tmp_path / "mean")


@pytest.mark.parametrize("differing", ["dataset_digest", "split_digest"])
def test_average_refuses_other_images_and_other_splits(make_run: MakeRun, tmp_path: Path, differing: str) -> None:
    runs = [make_run("first", 0.2), make_run("second", 0.6, **{differing: "sha256:3"})]
    with pytest.raises(DataDiffersError):
        average_runs(runs, tmp_path / "mean")


def test_average_refuses_a_folder_in_use_and_a_folder_without_a_run(make_run: MakeRun, tmp_path: Path) -> None:
    runs = [make_run("first", 0.2), make_run("second", 0.6)]
    with pytest.raises(RunExistsError):
        average_runs(runs, runs[0])
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunMissingError):
        average_runs([runs[0], tmp_path / "empty"], tmp_path / "mean")


def test_the_command_prints_the_summary_and_what_comes_next(
    make_run: MakeRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "average", str(make_run("first", 0.2)), str(make_run("second", 0.6)), "--out"]
    assert run([*words, str(tmp_path / "a b"), "--json"]) == 0
    assert len(orjson.loads(capsys.readouterr().out)["average_of"]) == 2
    assert run([*words, str(tmp_path / "c d")]) == 0
    assert f"carpal export '{tmp_path / 'c d'}'" in capsys.readouterr().out
