from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from carpal_training.data.dataset import Dataset, Sample
from carpal_training.data.dealing import deal_alike, deal_by_chance
from carpal_training.data.exam import Exam
from carpal_training.data.splits import Split, read_split
from carpal_training.data.table import read_table

SHARES = {"train": 0.7, "val": 0.2, "test": 0.1}


def dataset(*patients: list[list[int]]) -> Dataset:
    """A patient is a list of images, an image a list of classes."""
    samples = [
        Sample(f"{patient}-{place}", Path("x"), Exam(str(patient)), np.array(classes, int), np.zeros((len(classes), 4)))
        for patient, images in enumerate(patients)
        for place, classes in enumerate(images)
    ]
    return Dataset(Path("set"), ("common", "rare"), tuple(samples))


def test_a_rare_class_is_in_every_part() -> None:
    """By chance it would be missing from val in two of five deals, and from test in nearly as many."""
    patients = [[[0], [0, 0]] for _ in range(90)] + [[[1, 0]] for _ in range(10)]
    for seed in range(5):
        homes = deal_alike(dataset(*patients), SHARES, seed)
        rare = Counter(homes[str(patient)] for patient in range(90, 100))
        assert rare == {"train": 7, "val": 2, "test": 1}
        assert Counter(homes.values()) == {"train": 70, "val": 20, "test": 10}


def test_the_seed_decides() -> None:
    one = dataset(*[[[0]]] * 30)
    assert deal_alike(one, SHARES, 1) == deal_alike(one, SHARES, 1) != deal_alike(one, SHARES, 2)
    assert deal_by_chance(["1", "2", "3"] * 9, SHARES, 1) == deal_by_chance(["1", "2", "3"] * 9, SHARES, 1)


def test_parts_with_a_share_get_a_patient_where_there_are_enough() -> None:
    homes = deal_alike(dataset([[0]] * 9, [[0]], [[0]]), SHARES, 0)
    assert set(homes.values()) == {"train", "val", "test"}
    assert set(deal_alike(dataset([[0]], [[0]]), {"train": 1.0, "val": 0.0, "test": 0.0}, 0).values()) == {"train"}


def test_the_real_table_is_dealt_more_evenly_than_by_chance(graz: Path) -> None:
    """The flags of the table stand for the labels, which are not all here."""
    rows = read_table(graz / "dataset.csv.gz")
    samples = tuple(
        Sample(
            row.stem,
            Path("x"),
            row.exam,
            np.array([place for place, (_, seen) in enumerate(row.exam.seen) if seen], int),
            np.zeros((sum(seen for _, seen in row.exam.seen), 4)),
        )
        for row in rows
    )
    whole = Dataset(Path("graz"), ("fracture", "metal"), samples)

    def worst(homes: dict[str, str], of: dict[str, float]) -> float:
        """The largest deviation of a part's share of a label from the part's share of the images."""
        split = Split({part: tuple(s.stem for s in samples if homes[s.patient] == part) for part in SHARES})
        gaps = []
        for part, share in of.items():
            own = split.samples(whole, part)
            for label, total in {"fracture": 13550, "metal": 708}.items():
                index = whole.classes.index(label)
                gaps.append(abs(sum(index in s.classes for s in own) / total - share))
            gaps.append(abs(len(own) / len(samples) - share))
        return max(gaps)

    alike = deal_alike(whole, SHARES, 0)
    chance = deal_by_chance(sorted({s.patient for s in samples}), SHARES, 0)
    assert worst(alike, SHARES) < 0.005
    assert worst(chance, SHARES) > 2 * worst(alike, SHARES)
    published = read_split(graz / "splits.csv.gz", whole)
    assert Counter(published.values()) == {"train": 14204, "val": 4094, "test": 2029}


@pytest.mark.parametrize("patients", [["10", "9", "2"], ["b", "a"]])
def test_patients_are_ordered_by_number_or_name(patients: list[str]) -> None:
    assert deal_by_chance(patients, SHARES, 0) == deal_by_chance(patients[::-1], SHARES, 0)
