import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from carpal_training.data.assembly import assemble
from carpal_training.data.folders import label_of, read_voc_folder, read_yolo_folder
from carpal_training.data.patients import PatientRule
from carpal_training.errors import DatasetMissingError, TableInvalidError

RULE = PatientRule(each_image=True)


@pytest.fixture
def yolo(tmp_path: Path) -> Path:
    """Three images in the layout of ultralytics, two to train on; the last has no finding."""
    (tmp_path / "data.yaml").write_text(
        "path: .\ntrain: images/train\nval: images/val\ntest:\nnames:\n  0: fracture\n  1: text\n"
    )
    for stem, part, body in (("a", "train", "0 0.5 0.5 0.2 0.2\n"), ("b", "train", "1 0.5 0.5 1 1"), ("c", "val", "")):
        for kind in ("images", "labels"):
            (tmp_path / kind / part).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / f"images/{part}/{stem}.jpg"), np.zeros((20, 10), np.uint8))
        (tmp_path / f"labels/{part}/{stem}.txt").write_text(body)
    return tmp_path


def test_a_yolo_folder_is_read(yolo: Path) -> None:
    source = read_yolo_folder(yolo, RULE)
    dataset = assemble(source)
    assert source.issues.errors == []
    assert dataset.classes == ("fracture", "text")
    assert [sample.classes.tolist() for sample in dataset.samples] == [[0], [1], []]
    assert [sample.part for sample in dataset.samples] == ["train", "train", "val"]


def test_read_yolo_folder_reads_listed_images_only(yolo: Path) -> None:
    """A copy of an image in a foreign subfolder is not a second image of the dataset."""
    (yolo / "copies").mkdir()
    shutil.copy(yolo / "images/train/a.jpg", yolo / "copies/a.jpg")
    source = read_yolo_folder(yolo, RULE)
    assert sorted(source.images) == ["a", "b", "c"]
    assert {issue.kind: issue.detail for issue in source.issues.found} == {
        "unlisted-image": "1 images are in no list, first copies/a.jpg"
    }


def test_read_yolo_folder_accepts_labels_of_unlisted_images(yolo: Path) -> None:
    (yolo / "data.yaml").write_text("train: images/train\nnames: [fracture, text]\n")
    source = read_yolo_folder(yolo, RULE)
    assert sorted(source.images) == ["a", "b"]
    assert source.issues.errors == []


def test_labels_without_images_and_images_without_labels_are_told(yolo: Path) -> None:
    (yolo / "images/train/a.jpg").unlink()
    (yolo / "labels/train/b.txt").unlink()
    source = read_yolo_folder(yolo, RULE)
    assemble(source)
    assert {(issue.kind, issue.image) for issue in source.issues.errors} == {
        ("missing-image", "a"),
        ("missing-labels", "b"),
    }


@pytest.mark.parametrize("gone", ["data.yaml", "labels"])
def test_a_folder_without_names_or_labels_is_no_yolo_dataset(yolo: Path, gone: str) -> None:
    (yolo / gone).rename(yolo / "other")
    with pytest.raises(DatasetMissingError):
        read_yolo_folder(yolo, RULE)


def test_labels_lie_where_ultralytics_looks_for_them() -> None:
    assert label_of(Path("set/images/train/a.png")) == Path("set/labels/train/a.txt")
    assert label_of(Path("images/part/images/a.png")) == Path("images/part/labels/a.txt")
    assert label_of(Path("flat/a.png")) == Path("flat/a.txt")


def test_a_voc_folder_is_read_and_a_list_orders_its_classes(tmp_path: Path) -> None:
    (tmp_path / "JPEGImages").mkdir()
    (tmp_path / "Annotations").mkdir()
    for stem, name in (("a", "text"), ("b", "fracture")):
        cv2.imwrite(str(tmp_path / f"JPEGImages/{stem}.jpg"), np.zeros((20, 10), np.uint8))
        box = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>6</xmax><ymax>12</ymax></bndbox>"
        (tmp_path / f"Annotations/{stem}.xml").write_text(
            f"<annotation><size><width>10</width><height>20</height></size><object><name>{name}</name>{box}"
            "</object></annotation>"
        )
    source = read_voc_folder(tmp_path, RULE)
    dataset = assemble(source)
    assert source.issues.errors == []
    assert dataset.classes == ("fracture", "text")
    np.testing.assert_allclose(dataset.samples[0].boxes, [[0.1, 0.1, 0.6, 0.6]])
    (tmp_path / "classes.txt").write_text("\ufefftext\nfracture\nbone lesion\n", "utf-8")
    assert read_voc_folder(tmp_path, RULE).classes == ("text", "fracture", "bone lesion")
    (tmp_path / "classes.txt").write_text("text\ntext\n")
    with pytest.raises(TableInvalidError, match="twice"):
        read_voc_folder(tmp_path, RULE)
    with pytest.raises(DatasetMissingError):
        read_voc_folder(tmp_path / "JPEGImages", RULE)


@pytest.mark.parametrize("body", ["names: [fracture, text]\n", "train: images\nnames: [fracture, text]\n"])
def test_hidden_files_folders_and_dangling_links_are_not_images(yolo: Path, body: str) -> None:
    """Archives of macOS hold ``._a.txt`` next to ``a.txt``."""
    (yolo / "data.yaml").write_text(body)
    (yolo / "labels/train/._a.txt").write_bytes(b"\0")
    (yolo / "images/train/._a.jpg").write_bytes(b"\0")
    (yolo / "images/x.png").mkdir()
    assert read_yolo_folder(yolo, RULE).issues.errors == []
    (yolo / "images/val/d.jpg").symlink_to(yolo / "nothing.jpg")
    source = read_yolo_folder(yolo, RULE)
    assert sorted(source.images) == ["a", "b", "c"]
    assert [(issue.kind, issue.image) for issue in source.issues.errors] == [("missing-image", "d")]


@pytest.mark.parametrize("linked", ["images", "labels", "images/train"])
@pytest.mark.parametrize("lists", [True, False])
def test_a_linked_folder_of_a_yolo_dataset_is_followed(
    yolo: Path, tmp_path_factory: pytest.TempPathFactory, linked: str, lists: bool
) -> None:
    if not lists:
        (yolo / "data.yaml").write_text("names: [fracture, text]\n")
    store = tmp_path_factory.mktemp("store") / "elsewhere"
    (yolo / linked).rename(store)
    (yolo / linked).symlink_to(store)
    (yolo / "again").symlink_to(yolo)
    source = read_yolo_folder(yolo, RULE)
    assert {stem: len(found) for stem, found in source.annotations.items()} == {"a": 1, "b": 1, "c": 0}
    assert source.issues.errors == []


def test_a_named_pipe_among_the_images_is_left_out(yolo: Path) -> None:
    os.mkfifo(yolo / "images/train/pipe.jpg")
    assert sorted(read_yolo_folder(yolo, RULE).images) == ["a", "b", "c"]
