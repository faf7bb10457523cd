"""Which layout a folder seems to have."""

from __future__ import annotations

from pathlib import Path

import pytest

from carpal_training.data import recognition
from carpal_training.data.recognition import layout_of


@pytest.mark.parametrize(
    ("files", "layout"),
    [
        (["data.yaml", "images/a.png", "labels/a.txt"], "yolo"),
        (["dataset.yml", "images/train/a.png", "labels/train/a.txt"], "yolo"),
        (["train/labels/a.txt", "train/images/a.png", "meta.yaml"], "yolo"),
        (["annotations/instances.json", "a.png"], "coco"),
        (["a.png", "a.xml"], "voc"),
        (["manifest.csv", "data.yaml", "labels/a.txt"], "fracatlas"),
        (["dataset.csv", "images/Fractured/a.jpg"], "fracatlas"),
        (["a.png", "b.jpg"], None),
        (["labels/a.txt", "images/a.png"], None),
        ([], None),
    ],
)
def test_a_layout_is_told_by_its_files(tmp_path: Path, files: list[str], layout: str | None) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert layout_of(tmp_path) == layout


def test_dicom_is_told_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "IM0001").write_bytes(b"\0" * 128 + b"DICM" + b"\0" * 200)
    assert layout_of(tmp_path) == "dicom"


def test_a_folder_above_that_is_called_labels_says_nothing(tmp_path: Path) -> None:
    root = tmp_path / "labels"
    root.mkdir()
    (root / "notes.txt").write_text("")
    (root / "a.yaml").write_text("")
    assert layout_of(root) is None


def test_of_a_large_folder_the_first_files_are_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognition, "MAX_FILES", 3)
    for name in ("a.png", "b.png", "c.png", "d.xml"):
        (tmp_path / name).write_text("")
    assert layout_of(tmp_path) is None
