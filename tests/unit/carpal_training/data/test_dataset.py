from pathlib import Path

import numpy as np
import pytest

from carpal_training.data.dataset import LABELS, META, open_dataset
from carpal_training.errors import (
    DatasetMissingError,
    ImagesMissingError,
    LabelInvalidError,
    LabelsMissingError,
    TableInvalidError,
)


def first(data: Path) -> str:
    return sorted(path.stem for path in (data / LABELS).glob("*.txt"))[0]


def test_images_in_four_folders_are_one_dataset(data: Path) -> None:
    dataset = open_dataset(data)
    assert dataset.classes == ("fracture", "text")
    assert [sample.patient for sample in dataset.samples] == ["1", "1", "2", "2", "3", "3", "4", "4"]
    assert dataset.instances() == {"fracture": 4, "text": 4}


def test_boxes_come_out_in_source_pixels(data: Path) -> None:
    sample = open_dataset(data).samples[0]
    np.testing.assert_allclose(sample.boxes_px(60, 80), [[10, 20, 30, 50]], atol=1e-3)


def test_an_empty_label_file_is_an_image_without_findings(data: Path) -> None:
    (data / LABELS / f"{first(data)}.txt").write_text("")
    sample = open_dataset(data).samples[0]
    assert sample.boxes.shape == (0, 4)
    assert sample.classes.shape == (0,)


def test_a_folder_without_a_dataset_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetMissingError, match=r"dataset\.csv is not there"):
        open_dataset(tmp_path)


def test_a_row_without_its_image_is_named(data: Path) -> None:
    next(data.glob(f"images_part*/{first(data)}.png")).unlink()
    with pytest.raises(ImagesMissingError, match=f"1 of 8 .*{first(data)}"):
        open_dataset(data)


def test_an_image_without_labels_is_named(data: Path) -> None:
    stem = first(data)
    (data / LABELS / f"{stem}.txt").unlink()
    with pytest.raises(LabelsMissingError, match=stem):
        open_dataset(data)


@pytest.mark.parametrize(
    "line",
    [
        "2 0.5 0.5 0.1 0.1",
        "-1 0.5 0.5 0.1 0.1",
        "0 0.5 0.5 0.1",
        "x 0.5 0.5 0.1 0.1",
        "0 50 50 10 10",
        "0 0.5 0.5 0 0.1",
    ],
)
def test_a_label_that_is_no_box_of_a_known_class_is_refused(data: Path, line: str) -> None:
    (data / LABELS / f"{first(data)}.txt").write_text(line)
    with pytest.raises(LabelInvalidError, match="line 1"):
        open_dataset(data)


@pytest.mark.parametrize("body", ["names: 3\n", "nc: 2\n", "names: [a, a]\n", "names: [\n"])
def test_class_names_that_are_no_list_are_refused(data: Path, body: str) -> None:
    (data / META).write_text(body)
    with pytest.raises(TableInvalidError):
        open_dataset(data)


def test_class_names_may_be_a_mapping(data: Path) -> None:
    (data / META).write_text("names: {1: text, 0: fracture}\n")
    assert open_dataset(data).classes == ("fracture", "text")


@pytest.mark.parametrize(
    "body", ["filestem,patient_id\n", "a,b\n1,2\n", "filestem,patient_id\ns,one\n", "filestem,patient_id\ns,1\ns,1\n"]
)
def test_a_table_without_stems_and_patients_is_refused(data: Path, body: str) -> None:
    (data / "dataset.csv").write_text(body)
    with pytest.raises(TableInvalidError):
        open_dataset(data)


def test_the_digest_changes_with_a_pixel_a_label_and_a_patient(data: Path) -> None:
    before = open_dataset(data).digest
    assert open_dataset(data).digest == before
    image = next(data.glob(f"images_part*/{first(data)}.png"))
    body = image.read_bytes()
    image.write_bytes(body + b"\0")
    assert open_dataset(data).digest != before
    image.write_bytes(body)
    label = data / LABELS / f"{first(data)}.txt"
    text = label.read_text()
    label.write_text("1" + text[1:])
    assert open_dataset(data).digest != before
    label.write_text(text)
    table = (data / "dataset.csv").read_text("utf-8")
    (data / "dataset.csv").write_text(table.replace(",4.0,", ",9.0,"), "utf-8")
    assert open_dataset(data).digest != before


def test_the_real_dataset_is_read_as_it_is_distributed() -> None:
    real = Path(__file__).resolve().parents[5] / "shared/data/graz"
    if not real.is_dir():
        pytest.skip("../shared/data/graz is not here: real radiographs do not travel with the repository")
    lines = [
        line for path in (real / "labels").rglob("*.txt") for line in path.read_text().splitlines() if line.strip()
    ]
    assert lines
    assert all(0 <= int(line.split()[0]) <= 8 and len(line.split()) == 5 for line in lines)
