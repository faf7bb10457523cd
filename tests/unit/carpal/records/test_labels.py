"""Labels of a dataset beside its images."""

from __future__ import annotations

from pathlib import Path

import pytest

from carpal.phantoms.dataset import generate
from carpal.records.errors import LabelUnreadableError
from carpal.records.labels import FOLDER, Labels


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A place for an image in a dataset with two classes."""
    (tmp_path / FOLDER / "labels").mkdir(parents=True)
    (tmp_path / FOLDER / "meta.yaml").write_text("train: x\nnc: 2\nnames: ['fracture', \"text\"]\n")
    return tmp_path / "images_part1" / "a.png"


def label(image: Path, text: str) -> None:
    (image.parent.parent / FOLDER / "labels" / f"{image.stem}.txt").write_text(text)


def test_boxes_come_in_source_pixels_with_the_names_of_their_classes(image: Path):
    label(image, "1 0.5 0.25 0.2 0.1\n0 0.1 0.9 0.2 0.2")
    found = Labels().of(image, 200, 400)
    assert found is not None
    assert [one.name for one in found] == ["text", "fracture"]
    assert list(found[0].box.model_dump().values()) == pytest.approx([80, 80, 120, 120])
    assert list(found[1].box.model_dump().values()) == pytest.approx([0, 320, 40, 400])


def test_a_box_over_the_edge_is_cut_off(image: Path):
    label(image, "0 0.05 0.5 0.2 0.2")
    found = Labels().of(image, 100, 100)
    assert found is not None
    assert list(found[0].box.model_dump().values()) == pytest.approx([0, 40, 15, 60])


def test_an_empty_label_says_nothing_is_there_and_none_says_nobody_looked(image: Path):
    label(image, "\n")
    assert Labels().of(image, 10, 10) == ()
    assert Labels().of(image.with_name("b.png"), 10, 10) is None


@pytest.mark.parametrize("line", ["2 0.5 0.5 0.1 0.1", "-1 0.5 0.5 0.1 0.1", "0 0.5 0.5 0.1", "fracture 1 1 1 1", "0"])
def test_a_line_that_breaks_the_form_is_named(image: Path, line: str):
    label(image, line)
    with pytest.raises(LabelUnreadableError, match=line[:3]) as caught:
        Labels().of(image, 10, 10)
    assert caught.value.code == "dataset.label-unreadable"


@pytest.mark.parametrize("meta", ["nc: 2\n", "names: []\n", "names: ['a', 'a']\n", None])
def test_labels_without_names_are_an_error(image: Path, meta: str | None):
    label(image, "0 0.5 0.5 0.1 0.1")
    path = image.parent.parent / FOLDER / "meta.yaml"
    path.unlink() if meta is None else path.write_text(meta)
    with pytest.raises(LabelUnreadableError, match=r"meta\.yaml"):
        Labels().of(image, 10, 10)


def test_a_label_that_is_no_text_is_an_error(image: Path):
    (image.parent.parent / FOLDER / "labels" / "a.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(LabelUnreadableError):
        Labels().of(image, 10, 10)


def test_the_labels_of_phantoms_are_found(tmp_path: Path):
    generate(tmp_path / "set", 2, seed=1, size_px=128)
    labels = Labels()
    found = [labels.of(path, 128, 128) for path in sorted((tmp_path / "set").glob("images_part*/*.png"))]
    assert len(found) == 2
    assert all(one for one in found)
