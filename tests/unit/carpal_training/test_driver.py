import shlex
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from carpal.cli import run
from carpal.terminal import Terminal
from carpal_training.data.opening import open_dataset
from carpal_training.data.splits import make_split
from carpal_training.driver import continued, summarise, train_run
from carpal_training.errors import (
    DataDiffersError,
    DatasetMissingError,
    RunExistsError,
    RunMissingError,
    StoppedError,
)
from carpal_training.job import Job
from carpal_training.preparation import split_together
from carpal_training.recipe import Recipe, SplitPlan
from carpal_training.run import Epoch, RunFolder, Summary

QUIET = Terminal(quiet=True)
RECIPE = Recipe(epochs=1, size_px=64)


def test_a_folder_with_something_in_it_is_left_alone(data: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/precious.txt").write_text("x")
    with pytest.raises(RunExistsError):
        train_run(RECIPE, [data], tmp_path / "out", QUIET)
    assert (tmp_path / "out/precious.txt").read_text() == "x"


def test_a_run_that_cannot_begin_makes_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetMissingError):
        train_run(RECIPE, [tmp_path / "nowhere"], tmp_path / "out", QUIET)
    assert not (tmp_path / "out").exists()


def test_going_on_needs_a_checkpoint(data: Path, tmp_path: Path) -> None:
    with pytest.raises(RunMissingError, match="no checkpoint"):
        train_run(RECIPE, [data], tmp_path / "out", QUIET, resume=True)


def test_a_run_does_not_go_on_with_other_images(data: Path, tmp_path: Path, write_dataset: Callable[..., Path]) -> None:
    summaries = []
    for folder in (data, write_dataset(tmp_path / "other", count=10)):
        dataset = open_dataset(folder)
        summaries.append(summarise(RECIPE, [folder], dataset, make_split(dataset, RECIPE.split), None))
    assert continued(summaries[0], summaries[0]).state == "running"
    with pytest.raises(DataDiffersError):
        continued(summaries[0], summaries[1])


def test_the_summary_names_each_dataset_and_where_it_is(
    data: Path, tmp_path: Path, write_dataset: Callable[..., Path]
) -> None:
    folders = [data, write_dataset(tmp_path / "more", first=40)]
    dataset, split = split_together([open_dataset(folder) for folder in folders], RECIPE)
    summary = summarise(RECIPE, folders, dataset, split, None)
    assert [(used.name, used.path) for used in summary.datasets] == [("data", str(data)), ("more", str(folders[1]))]
    assert sum(used.train_images for used in summary.datasets) == summary.train_images == len(split.parts["train"])
    assert summary.cores is not None


def test_core_hours_add_up_over_the_runs_that_weights_come_from(data: Path, tmp_path: Path) -> None:
    dataset = open_dataset(data)
    split = make_split(dataset, RECIPE.split)

    def summary(start: str) -> Summary:
        return summarise(RECIPE.model_copy(update={"start": start}), [data], dataset, split, None)

    start, spent = "scratch", []
    for number, hours in enumerate((1.5, 2.0, 0.25)):
        folder = RunFolder(tmp_path / str(number))
        folder.path.mkdir()
        folder.best.write_bytes(b"weights")
        folder.write_summary(summary(start).model_copy(update={"seconds": hours * 3600, "cores": 2}))
        spent.append(folder.read_summary().core_hours)
        start = str(folder.best)
    assert spent == [3.0, 7.0, 7.5]


def test_weights_without_a_run_cost_nothing_here(data: Path, tmp_path: Path) -> None:
    (tmp_path / "coco.pt").write_bytes(b"weights")
    dataset = open_dataset(data)
    recipe = RECIPE.model_copy(update={"start": str(tmp_path / "coco.pt")})
    summary = summarise(recipe, [data], dataset, make_split(dataset, RECIPE.split), None)
    assert summary.core_hours_before == 0.0
    assert summary.model_copy(update={"cores": None}).core_hours is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_signal_stops_a_run_once(data: Path, tmp_path: Path, number: signal.Signals) -> None:
    seen: list[object] = []

    def interrupted(*_: object) -> None:
        try:
            signal.raise_signal(number)
        except KeyboardInterrupt:
            signal.raise_signal(number)  # ending the workers is not interrupted again
            seen.append("ended")
            raise

    before = signal.getsignal(number)
    with pytest.raises(StoppedError):
        train_run(RECIPE, [data], tmp_path / "out", QUIET, fit=interrupted)
    assert seen == ["ended"]
    assert signal.getsignal(number) is before


def test_under_nohup_a_closed_terminal_does_not_stop_a_run(data: Path, tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        summary = train_run(RECIPE, [data], tmp_path / "out", QUIET, fit=lambda *_: signal.raise_signal(signal.SIGHUP))
    finally:
        signal.signal(signal.SIGHUP, before)
    assert summary.state == "finished"


def test_the_advice_after_a_stop_can_be_pasted_from_any_folder(data: Path, tmp_path: Path) -> None:
    def interrupted(job: Job, *_: object) -> None:
        folder = RunFolder(job.run)
        folder.write_epochs([Epoch(1, 1.0, 1.0, 1.0, 1.0, 0.01, None, None)])
        raise KeyboardInterrupt

    out = tmp_path / "a run"
    with pytest.raises(StoppedError) as caught:
        train_run(RECIPE, [data], out, QUIET, fit=interrupted)
    words = shlex.split(caught.value.remedy.removeprefix("Go on: "))
    assert words == ["carpal", "train", "run", "--out", str(out), "--resume"]


def test_resume_finds_its_datasets_by_itself(data: Path, tmp_path: Path) -> None:
    jobs: list[Job] = []

    def fit(job: Job, *_: object) -> None:
        jobs.append(job)
        RunFolder(job.run).last.touch()

    out = tmp_path / "out"
    train_run(RECIPE, [data], out, QUIET, fit=fit)
    recipe = RunFolder(out).read_recipe()
    train_run(recipe, [], out, QUIET, fit=fit, resume=True)
    assert jobs[0] == jobs[1]


@pytest.mark.parametrize("start", ["start.pt", "wrist@stable"])
def test_a_run_goes_on_elsewhere_without_what_it_began_from(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: str
) -> None:
    """Run folder and dataset are moved; the weights of the start and the table of the split are gone."""
    jobs: list[Job] = []

    def fit(job: Job, *_: object) -> None:
        jobs.append(job)
        RunFolder(job.run).last.touch()

    weights, table, out = tmp_path / "start.pt", tmp_path / "split.csv", tmp_path / "out"
    weights.write_bytes(b"weights")
    dataset = open_dataset(data)
    split = make_split(dataset, RECIPE.split)
    table.write_text(split.csv(dataset))
    recipe = RECIPE.model_copy(update={"start": str(weights), "split": SplitPlan(file=str(table))})
    begun = train_run(recipe, [data], out, QUIET, fit=fit)
    assert begun.start_sha256 is not None

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    out.rename(elsewhere / "out")
    data.rename(elsewhere / "data")
    weights.unlink()
    table.unlink()
    recipe = RunFolder(elsewhere / "out").read_recipe()
    if start != weights.name:
        recipe = recipe.model_copy(update={"start": start})
    ended = train_run(recipe, [elsewhere / "data"], elsewhere / "out", QUIET, fit=fit, resume=True)
    assert (ended.split_digest, ended.start_sha256) == (split.digest, begun.start_sha256)
    assert jobs[1].start is None
    assert jobs[1].train.is_relative_to(elsewhere)


def test_a_new_run_without_recipe_or_data_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "run", "--out", str(tmp_path / "out")]) == 2
    assert "a new run needs a recipe and --data" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["a run", "run #1 50%", "it's ü"])
def test_the_next_command_can_be_pasted(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    def trained(recipe: Recipe, data: list[Path], out: Path, *_: object, **__: object) -> Summary:
        dataset = open_dataset(data[0])
        summary = summarise(recipe, data, dataset, make_split(dataset, recipe.split), None)
        return summary.model_copy(update={"seconds": 1.0})

    monkeypatch.setattr("carpal_training.driver.train_run", trained)
    recipe, out = tmp_path / "tiny.yaml", tmp_path / name
    recipe.write_text("epochs: 1\nsize_px: 64\n")
    assert run(["train", "run", str(recipe), "--data", str(data), "--out", str(out)]) == 0
    words = shlex.split(capsys.readouterr().out.partition("Next: ")[2])
    assert words[:5] == ["carpal", "export", str(out), "--out", str(out / "package")]
