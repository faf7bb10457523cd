from pathlib import Path

import pytest

from carpal_training.data.data_yaml import DataYaml, read_data_yaml
from carpal_training.data.issues import Issues
from carpal_training.data.part_lists import read_part_lists
from carpal_training.errors import ListInvalidError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Five images without content in two folders; lists read names only."""
    for name in ("train/a", "train/b", "valid/c", "valid/d", "valid/e"):
        path = tmp_path / "set/images" / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return tmp_path / "set"


def meta(root: Path, body: str) -> DataYaml:
    (root / "data.yaml").write_text(body + "\nnames: [fracture]\n")
    return read_data_yaml(root / "data.yaml")


@pytest.mark.parametrize(
    "body",
    [
        "train: images/train\nval: images/valid",
        "path: images\ntrain: train\nval: [valid]",
        "train: ../images/train\nval: ../images/valid",
        "path: ../set\ntrain: [./images/train/]\nval: images/valid",
    ],
)
def test_folders_of_data_yaml_are_parts(root: Path, body: str) -> None:
    issues = Issues()
    lists = read_part_lists(root, meta(root, body), issues)
    assert lists is not None
    assert lists.parts == {"a": "train", "b": "train", "c": "val", "d": "val", "e": "val"}
    assert lists.images["c"] == root / "images/valid/c.jpg"
    assert issues.found == []


def test_text_lists_of_data_yaml_are_parts_and_unlisted_images_are_counted(root: Path) -> None:
    (root / "lists").mkdir()
    (root / "lists/train.txt").write_text("\ufeff../images/train/a.jpg\n\nimages/train/b.jpg\n", "utf-8")
    (root / "val.txt").write_text(f"./images/valid/c.jpg\n{root}/images/valid/d.jpg\n")
    issues = Issues()
    lists = read_part_lists(root, meta(root, "train: lists/train.txt\nval: val.txt"), issues)
    assert lists is not None
    assert lists.parts == {"a": "train", "b": "train", "c": "val", "d": "val"}
    (issue,) = issues.found
    assert (issue.kind, issue.detail) == ("unlisted-image", "1 images are in no list, first images/valid/e.jpg")


@pytest.mark.parametrize("body", ["train: images\nval: images", "train: images"])
def test_one_list_for_all_parts_is_not_a_split(root: Path, body: str) -> None:
    issues = Issues()
    lists = read_part_lists(root, meta(root, body), issues)
    assert lists is not None
    assert (sorted(lists.images), lists.parts) == (["a", "b", "c", "d", "e"], {})
    assert issues.counts() == {"no-split": 1}


def test_an_image_in_two_lists_is_refused(root: Path) -> None:
    (root / "val.txt").write_text("./images/valid/c.jpg\n./images/train/../train/a.jpg\n")
    with pytest.raises(ListInvalidError, match=r"is in train \(images/train/\) and in val \(val.txt line 2"):
        read_part_lists(root, meta(root, "train: images/train\nval: val.txt"), Issues())


def test_missing_images_of_a_list_are_issues(root: Path) -> None:
    (root / "val.txt").write_text("images/valid/c.jpg\nimages/valid/x.jpg\n")
    issues = Issues()
    read_part_lists(root, meta(root, "train: images/train\nval: val.txt"), issues)
    (issue,) = issues.errors
    assert (issue.kind, issue.place, issue.detail) == (
        "missing-image", "val.txt line 2", "images/valid/x.jpg does not exist",
    )  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        "train: ../../elsewhere\nval: images/valid",
        "train: /etc\nval: images/valid",
        "path: /etc\ntrain: images/train",
        "train: images/train\nval: list.txt",
    ],
)
def test_paths_outside_the_dataset_are_refused(root: Path, body: str) -> None:
    (root / "list.txt").write_text("../../other/a.jpg\n")
    with pytest.raises(ListInvalidError, match="is outside"):
        read_part_lists(root, meta(root, body), Issues())


@pytest.mark.parametrize("body", ["train: images/train\nval: images/none", "train: train.txt\nval: val.txt"])
def test_missing_lists_are_refused(root: Path, body: str) -> None:
    with pytest.raises(ListInvalidError, match="cannot be read as a list"):
        read_part_lists(root, meta(root, body), Issues())


def test_a_template_whose_folders_do_not_exist_is_ignored_with_a_warning(root: Path) -> None:
    issues = Issues()
    assert read_part_lists(root, meta(root, "train: ../train/images\nval: ../valid/images"), issues) is None
    assert issues.counts() == {"missing-folders": 1}
    assert read_part_lists(root, meta(root, ""), Issues()) is None
