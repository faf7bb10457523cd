from pathlib import Path

import numpy as np

from carpal_training.data.graz import LABELS
from carpal_training.data.opening import open_dataset


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
    dataset = open_dataset(data)
    assert dataset.digest == before
    other = dataset.samples[0].__class__(**{**vars(dataset.samples[0]), "exam": dataset.samples[-1].exam})
    assert dataset.__class__(dataset.root, dataset.classes, (other, *dataset.samples[1:])).digest != before
