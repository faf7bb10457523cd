"""Patients dealt out to train, val and test: by chance, or so that every part looks like the whole.

The second is iterative stratification (Sechidis, Tsoumakas, Vlahavas, ECML PKDD 2011) with patients instead of images:
the label that has the fewest left is dealt first, each of its patients to the part that lacks most of it. So a class
with eight boxes is not left out of a part by chance, as foreignbody is in the split of Ju and Cai.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from carpal_training.data.dataset import Dataset
from carpal_training.data.groups import UNKNOWN, groups_of

Part = Literal["train", "val", "test"]
BALANCED = ("age (years)", "examination", "cast", "view")
"""Dimensions of ``carpal_training.data.groups`` that are balanced besides the classes and the number of images."""


def deal_by_chance(patients: Sequence[str], shares: Mapping[Part, float], seed: int) -> dict[str, Part]:
    """A seeded order; train, then val, take their shares of the patients, at least one each."""
    ordered = sorted(patients, key=_numeric)
    order = np.random.default_rng(seed).permutation(len(ordered))
    first = max(1, round(shares["train"] * len(ordered)))
    second = first + max(1, round(shares["val"] * len(ordered)))
    return {
        ordered[index]: "train" if place < first else "val" if place < second else "test"
        for place, index in enumerate(order.tolist())
    }


def deal_alike(dataset: Dataset, shares: Mapping[Part, float], seed: int) -> dict[str, Part]:
    """Iterative stratification; the same dataset, shares and seed give the same deal.

    Parts with a share that end without a patient take one from the largest part.
    """
    counts = labels_of_patients(dataset)
    order = list(np.random.default_rng(seed).permutation(sorted(counts, key=_numeric)))
    parts: tuple[Part, ...] = ("train", "val", "test")
    totals: Counter[str] = sum(counts.values(), Counter())
    lacking = {part: {label: shares[part] * total for label, total in totals.items()} for part in parts}
    homes: dict[str, Part] = {}

    def settle(patient: str, label: str) -> None:
        part = max(parts, key=lambda one: (lacking[one][label], lacking[one][_IMAGES]))
        homes[patient] = part
        for name, count in counts[patient].items():
            lacking[part][name] -= count

    left = totals.copy()
    while len(homes) < len(order):
        label = min((name for name, count in left.items() if count > 0), key=lambda name: (left[name], name))
        holders = [patient for patient in order if patient not in homes and counts[patient][label]]
        for patient in sorted(holders, key=lambda one: -counts[one][label]):
            settle(patient, label)
            left.subtract(counts[patient])
    _fill(homes, {part: share for part, share in shares.items() if share > 0})
    return homes


_IMAGES = "images"


def labels_of_patients(dataset: Dataset) -> dict[str, Counter[str]]:
    """What each patient brings: images, boxes of each class, images without findings, images in balanced groups."""
    counts: dict[str, Counter[str]] = {}
    for sample in dataset.samples:
        own = counts.setdefault(sample.patient, Counter())
        own[_IMAGES] += 1
        own.update(f"class {dataset.classes[index]}" for index in sample.classes)
        if not len(sample.classes):
            own["no finding"] += 1
        groups = groups_of(sample.exam)
        own.update(f"{name} {groups[name]}" for name in BALANCED if groups[name] != UNKNOWN)
    return counts


def _fill(homes: dict[str, Part], shares: Mapping[Part, float]) -> None:
    """Give each part with a share a patient, where there are enough of them."""
    for part in shares:
        sizes = Counter(homes.values())
        largest = max(sizes, key=lambda one: sizes[one], default=part)
        if not sizes[part] and sizes[largest] > 1:
            homes[max(patient for patient, home in homes.items() if home == largest)] = part


def _numeric(patient: str) -> tuple[int, str]:
    """By number where patients have one, by name else."""
    return (int(patient), "") if patient.isdigit() else (0, patient)
