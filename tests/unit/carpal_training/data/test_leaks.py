import shutil
from pathlib import Path

import numpy as np
import pytest

from carpal_training.data.dataset import Dataset, Sample
from carpal_training.data.exam import Exam
from carpal_training.data.leaks import image_leaks, patient_leaks, refuse
from carpal_training.data.opening import open_dataset
from carpal_training.data.prints import prints_of
from carpal_training.data.splits import make_split
from carpal_training.errors import LeakFoundError
from carpal_training.recipe import SplitPlan


def dataset(*patients: str) -> Dataset:
    samples = [
        Sample(f"{place}", Path("x"), Exam(patient), np.zeros(0, int), np.zeros((0, 4)))
        for place, patient in enumerate(patients)
    ]
    return Dataset(Path("set"), ("a",), tuple(samples))


def test_a_patient_in_two_parts_is_named_once_for_each_pair() -> None:
    homes = {"0": "train", "1": "val", "2": "val", "3": "test", "4": "val"}
    leaks = patient_leaks(dataset("7", "7", "8", "7", "7"), homes)
    assert [str(leak) for leak in leaks] == [
        "0 (train) and 1 (val): both are of patient 7",
        "0 (train) and 3 (test): both are of patient 7",
        "1 (val) and 3 (test): both are of patient 7",
    ]


def test_images_without_a_part_are_no_leak() -> None:
    two = dataset("7", "7")
    assert patient_leaks(two, {"0": "train"}) == []
    assert image_leaks(two, {"0": "train"}, ["0" * 64] * 2) == []
    assert len(image_leaks(two, {"0": "train", "1": "val"}, ["0" * 64] * 2)) == 1


def test_one_image_of_two_patients_is_found_although_it_was_saved_anew(phantoms: Path, tmp_path: Path) -> None:
    import cv2

    shutil.copytree(phantoms, tmp_path / "set")
    samples = open_dataset(tmp_path / "set").samples
    other = next(sample for sample in samples if sample.patient != samples[0].patient)
    again = cv2.imread(str(samples[0].image), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(other.image), cv2.resize(again, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA))
    one = open_dataset(tmp_path / "set")
    parts = dict(zip(sorted({sample.patient for sample in samples}), ("train", "val", "test"), strict=True))
    homes = {sample.stem: parts[sample.patient] for sample in one.samples}
    (leak,) = image_leaks(one, homes, prints_of(one.samples))
    assert {leak.first, leak.second} == {samples[0].stem, other.stem}
    with pytest.raises(LeakFoundError, match=other.stem):
        refuse([leak])
    homes[other.stem] = homes[samples[0].stem]
    assert image_leaks(one, homes, prints_of(one.samples)) == []


def test_pairs_are_found_across_blocks() -> None:
    many = dataset(*map(str, range(600)))
    rng = np.random.default_rng(0)
    prints = ["".join(rng.choice(list("0123456789abcdef"), 64)) for _ in range(600)]
    prints[590] = prints[3]
    homes = {sample.stem: "train" if int(sample.stem) < 300 else "test" for sample in many.samples}
    assert [(leak.first, leak.second) for leak in image_leaks(many, homes, prints)] == [("3", "590")]


def test_a_sound_split_passes(phantoms: Path) -> None:
    one = open_dataset(phantoms)
    split = make_split(one, SplitPlan(train=0.4, val=0.3))
    refuse(image_leaks(one, split.homes, prints_of(one.samples)))
