from pathlib import Path

import pytest

from carpal_training.data.graz import LABELS
from carpal_training.data.opening import open_dataset
from carpal_training.errors import DatasetMissingError, ImagesMissingError, LabelInvalidError, LabelsMissingError


def first(data: Path) -> str:
    return sorted(path.stem for path in (data / LABELS).glob("*.txt"))[0]


def test_a_folder_without_a_dataset_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetMissingError, match=r"dataset\.csv\S* is not there"):
        open_dataset(tmp_path)


@pytest.mark.parametrize(("make", "said"), [(False, "is no folder"), (True, "is a file, not a folder")])
def test_a_path_that_is_no_folder_is_said(tmp_path: Path, make: bool, said: str) -> None:
    if make:
        (tmp_path / "data").write_text("")
    with pytest.raises(DatasetMissingError, match=f"data {said}"):
        open_dataset(tmp_path / "data")


def test_a_dataset_that_is_not_imported_gets_the_command_that_imports_it(tmp_path: Path) -> None:
    root = tmp_path / "my data"
    (root / "labels").mkdir(parents=True)
    (root / "labels" / "a.txt").write_text("")
    (root / "data.yaml").write_text("names: [fracture]")
    with pytest.raises(DatasetMissingError, match="seems to have the layout yolo") as caught:
        open_dataset(root)
    assert f"carpal train import yolo '{root}' --out OUT" in caught.value.remedy


def test_a_row_without_its_image_is_named(data: Path) -> None:
    next(data.glob(f"images_part*/{first(data)}.png")).unlink()
    with pytest.raises(ImagesMissingError, match=first(data)):
        open_dataset(data)


def test_an_image_without_labels_is_named(data: Path) -> None:
    stem = first(data)
    (data / LABELS / f"{stem}.txt").unlink()
    with pytest.raises(LabelsMissingError, match=stem):
        open_dataset(data)


@pytest.mark.parametrize(
    "line",
    ["2 0.5 0.5 0.1 0.1", "-1 0.5 0.5 0.1 0.1", "0 0.5 0.5 0.1", "x 0.5 0.5 0.1 0.1", "0 50 50 10 10"],
)
def test_a_label_that_is_no_box_of_a_known_class_is_refused(data: Path, line: str) -> None:
    (data / LABELS / f"{first(data)}.txt").write_text(line)
    with pytest.raises(LabelInvalidError, match="line 1"):
        open_dataset(data)


def test_a_box_without_a_side_is_left_out(data: Path) -> None:
    (data / LABELS / f"{first(data)}.txt").write_text("0 0.5 0.5 0 0.1\n1 0.5 0.5 0.1 0.1")
    assert open_dataset(data).samples[0].classes.tolist() == [1]
