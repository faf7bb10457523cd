from pathlib import Path

import pytest

from carpal.terminal import Terminal
from carpal_training.data.cache import open_cache
from carpal_training.errors import ClassesDifferError, LeakFoundError, RunMissingError
from carpal_training.preparation import find_start, open_parts, prepare
from carpal_training.recipe import Recipe

QUIET = Terminal(quiet=True)
RECIPE = Recipe(epochs=1, size_px=64)


def test_a_dataset_becomes_two_caches_of_different_images(data: Path, tmp_path: Path) -> None:
    dataset, split = open_parts(data, RECIPE.split, QUIET)
    train, val = prepare(dataset, split, RECIPE.chain, tmp_path / "cache", QUIET)
    assert [len(open_cache(folder)) for folder in (train, val)] == [len(split.parts[part]) for part in ("train", "val")]
    assert train != val


def test_one_image_under_two_names_is_refused_before_anything_is_prepared(data: Path) -> None:
    first, *_, last = sorted(data.glob("images_part*/*.png"), key=lambda path: path.name)
    last.write_bytes(first.read_bytes())
    with pytest.raises(LeakFoundError):
        open_parts(data, RECIPE.split, QUIET)
    open_parts(data, RECIPE.split, QUIET, leaks=False)


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
