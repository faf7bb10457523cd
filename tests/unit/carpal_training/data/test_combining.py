from pathlib import Path

import numpy as np
import pytest

from carpal_training.data.combining import combine, combined_split, renumbered
from carpal_training.data.dataset import Dataset, Sample
from carpal_training.data.exam import Exam
from carpal_training.data.splits import Split
from carpal_training.errors import ClassesDifferError, DatasetsInvalidError


def dataset(name: str, classes: tuple[str, ...], stems: tuple[str, ...] = ("1", "2")) -> Dataset:
    """Image i has one box of class i."""
    samples = tuple(
        Sample(
            stem, Path(f"{stem}.png"), Exam("7"), np.array([index]), np.array([[0.1, 0.1, 0.5, 0.5]]), sha256="0" * 64
        )
        for index, stem in enumerate(stems)
    )
    return Dataset(Path(name), classes, samples, name)


WRISTS = dataset("wrists", ("metal", "fracture", "text"))
LIMBS = dataset("limbs", ("fracture", "plaster"))


def test_combine_keeps_the_class_order_of_the_first_dataset() -> None:
    both = combine([WRISTS, LIMBS])
    assert both.classes == ("metal", "fracture", "text", "plaster")
    assert both.name == "wrists + limbs"
    assert [member.name for member in both.members] == ["wrists", "limbs"]


def test_combine_keeps_equal_stems_and_patients_of_two_datasets_apart() -> None:
    both = combine([WRISTS, LIMBS])
    assert [sample.stem for sample in both.samples] == ["limbs/1", "limbs/2", "wrists/1", "wrists/2"]
    assert {sample.patient for sample in both.samples} == {"limbs/7", "wrists/7"}


def test_combine_renumbers_labels_and_records_which_classes_are_labelled() -> None:
    both = combine([WRISTS, LIMBS])
    names = {sample.stem: [both.classes[index] for index in sample.classes] for sample in both.samples}
    assert names == {"limbs/1": ["fracture"], "limbs/2": ["plaster"], "wrists/1": ["metal"], "wrists/2": ["fracture"]}
    assert both.labelled().tolist() == [[False, True, False, True]] * 2 + [[True, True, True, False]] * 2


def test_combine_returns_a_single_dataset_unchanged() -> None:
    assert combine([WRISTS]) is WRISTS
    assert WRISTS.labelled().all()


def test_combine_refuses_two_datasets_of_one_name() -> None:
    with pytest.raises(DatasetsInvalidError, match="wrists"):
        combine([WRISTS, dataset("wrists", ("fracture",))])


def test_the_digest_depends_on_which_classes_are_labelled() -> None:
    labelled, unlabelled = (
        Dataset(Path(), ("a", "b"), (Sample("1", Path(), Exam("1"), np.zeros(0, np.int64), np.zeros((0, 4)), "0" * 64,
                                            labelled=covered),))
        for covered in (None, (0,))
    )  # fmt: skip
    assert labelled.digest != unlabelled.digest


def test_renumbered_refuses_classes_that_are_not_known() -> None:
    with pytest.raises(ClassesDifferError, match="plaster"):
        renumbered(LIMBS, ("fracture", "metal"))
    assert renumbered(LIMBS, ("plaster", "fracture")).samples[0].labelled is None  # all are labelled


def test_combined_split_puts_the_dataset_in_front_of_each_stem() -> None:
    splits = {
        "a": Split({"train": ("1",), "val": ("2",), "test": ()}),
        "b": Split({"train": ("1",), "val": (), "test": ("3",)}),
    }
    assert combined_split(splits).parts == {"train": ("a/1", "b/1"), "val": ("a/2",), "test": ("b/3",)}


def test_a_class_subset_of_one_dataset_is_kept_when_it_is_combined() -> None:
    part = Dataset(LIMBS.root, ("fracture",), LIMBS.samples[:1], "part")
    both = combine([WRISTS, part])
    assert both.labelled()[0].tolist() == [False, True, False]
