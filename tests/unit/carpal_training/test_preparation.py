from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from carpal.terminal import Terminal
from carpal_training.data.cache import open_cache
from carpal_training.data.splits import Split
from carpal_training.errors import (
    ClassesDifferError,
    DatasetsInvalidError,
    LeakFoundError,
    RunMissingError,
    SplitInvalidError,
)
from carpal_training.preparation import find_start, open_parts, prepare
from carpal_training.recipe import DatasetPlan, Recipe, SplitPlan

QUIET = Terminal(quiet=True)
RECIPE = Recipe(epochs=1, size_px=64)


def test_a_dataset_becomes_two_caches_of_different_images(data: Path, tmp_path: Path) -> None:
    dataset, split = open_parts([data], RECIPE, QUIET)
    train, val = prepare(dataset, split, RECIPE.chain, tmp_path / "cache", QUIET)
    assert [len(open_cache(folder)) for folder in (train, val)] == [len(split.parts[part]) for part in ("train", "val")]
    assert train != val


def test_one_image_under_two_names_is_refused_before_anything_is_prepared(data: Path) -> None:
    first, *_, last = sorted(data.glob("images_part*/*.png"), key=lambda path: path.name)
    last.write_bytes(first.read_bytes())
    with pytest.raises(LeakFoundError):
        open_parts([data], RECIPE, QUIET)
    open_parts([data], RECIPE, QUIET, leaks=False)


@pytest.mark.parametrize("of", ["all", "one"])
def test_a_run_keeps_its_parts_where_the_table_of_the_split_is_not(data: Path, tmp_path: Path, of: str) -> None:
    """On another machine, say; a table that is there counts."""
    dataset, kept = open_parts([data], RECIPE, QUIET)
    table = tmp_path / "split.csv"
    table.write_text(Split({"train": kept.parts["val"], "val": kept.parts["train"], "test": ()}).csv(dataset))
    plan = SplitPlan(file=str(table))
    named = {"split": plan} if of == "all" else {"datasets": {dataset.name: DatasetPlan(split=plan)}}
    recipe = RECIPE.model_copy(update=named)
    assert open_parts([data], recipe, QUIET, kept=kept)[1].parts["train"] == kept.parts["val"]
    table.unlink()
    assert open_parts([data], recipe, QUIET, kept=kept)[1] == kept
    with pytest.raises(SplitInvalidError):
        open_parts([data], recipe, QUIET)


def test_the_parts_of_a_run_on_other_images_are_not_kept(
    data: Path, tmp_path: Path, write_dataset: Callable[..., Path]
) -> None:
    _, kept = open_parts([write_dataset(tmp_path / "other", first=40)], RECIPE, QUIET)
    recipe = RECIPE.model_copy(update={"split": SplitPlan(file=str(tmp_path / "nowhere.csv"))})
    with pytest.raises(SplitInvalidError):
        open_parts([data], recipe, QUIET, kept=kept)


def test_training_may_start_from_nothing_a_checkpoint_or_a_package(tmp_path: Path, tiny_package: Path) -> None:
    checkpoint = tmp_path / "best.pt"
    checkpoint.touch()
    classes = ("fracture", "text")
    assert find_start("scratch", classes, None) == (None, None)
    assert find_start(str(checkpoint), classes, None) == (checkpoint, None)
    assert find_start(str(tiny_package), classes, None) == (tiny_package / "model.onnx", "tiny:1")


def test_a_package_with_other_classes_is_no_start(tiny_package: Path) -> None:
    with pytest.raises(ClassesDifferError):
        find_start(str(tiny_package), ("text", "fracture"), None)


def test_a_checkpoint_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunMissingError):
        find_start(str(tmp_path / "none.pt"), ("a",), None)


def test_settings_for_a_dataset_that_is_not_given_are_refused(data: Path) -> None:
    recipe = RECIPE.model_copy(update={"datasets": {"limbs": DatasetPlan()}})
    with pytest.raises(DatasetsInvalidError, match="limbs"):
        open_parts([data], recipe, QUIET)


def test_each_dataset_is_split_by_its_own_plan(data: Path, tmp_path: Path, write_dataset: Callable[..., Path]) -> None:
    more = write_dataset(tmp_path / "more", first=40)
    plan = DatasetPlan(split=SplitPlan(train=0.25, val=0.75))
    recipe = RECIPE.model_copy(update={"datasets": {"more": plan}})
    dataset, split = open_parts([data, more], recipe, QUIET)
    assert dataset.name == "data + more"
    own = {part: [stem for stem in stems if stem.startswith("more/")] for part, stems in split.parts.items()}
    assert {part: len(stems) for part, stems in own.items()} == {"train": 2, "val": 6, "test": 0}
    _, val = prepare(dataset, split, recipe.chain, tmp_path / "cache", QUIET)
    cache = open_cache(val)
    assert cache.names == ("data", "more")
    assert np.bincount(cache.members).tolist() == [len(split.parts["val"]) - 6, 6]
    assert cache.labelled.all()


def test_one_image_in_two_datasets_and_two_parts_is_refused(
    data: Path, tmp_path: Path, write_dataset: Callable[..., Path]
) -> None:
    copy = write_dataset(tmp_path / "copy")  # the same images under another name
    recipe = RECIPE.model_copy(update={"datasets": {"copy": DatasetPlan(split=SplitPlan(train=0.25, val=0.75))}})
    with pytest.raises(LeakFoundError, match="leaks between the parts"):
        open_parts([data, copy], recipe, QUIET)
