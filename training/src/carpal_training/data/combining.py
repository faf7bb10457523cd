"""Several datasets as one, to train one network on all of them.

Each dataset keeps its own labels: a class that a dataset does not have is not labelled there, so its images are neither
positive nor negative for that class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from carpal_training.data.dataset import Dataset, Sample
from carpal_training.data.dealing import Part
from carpal_training.data.splits import PARTS, Split
from carpal_training.errors import ClassesDifferError, DatasetsInvalidError

SEPARATOR = "/"  # between the dataset and the image in a stem; a stem on its own is a file name and never has one


def combine(datasets: Sequence[Dataset]) -> Dataset:
    """One dataset over the union of the classes; a single dataset is returned unchanged.

    Classes keep the order of the first dataset, then of the next. Stems and patients get the dataset's name in front,
    so that equal names in two datasets stay apart.

    Raises:
        DatasetsInvalidError: two datasets have the same name.
    """
    if len(datasets) == 1:
        return datasets[0]
    names = [dataset.name for dataset in datasets]
    for name in names:
        if names.count(name) > 1:
            raise DatasetsInvalidError(
                f"two datasets are called {name}",
                "Settings and figures are given by the dataset's name.",
                "Rename one of the folders and import it again.",
            )
    classes = tuple(dict.fromkeys(name for dataset in datasets for name in dataset.classes))
    samples = [
        sample
        for dataset in datasets
        for sample in renumbered(dataset, classes, prefix=f"{dataset.name}{SEPARATOR}").samples
    ]
    samples.sort(key=lambda sample: sample.stem)
    root = Path(datasets[0].root)
    unit: Literal["patient", "group"] = "group" if any(dataset.unit == "group" for dataset in datasets) else "patient"
    return Dataset(root, classes, tuple(samples), " + ".join(names), members=tuple(datasets), unit=unit)


def renumbered(dataset: Dataset, classes: tuple[str, ...], *, prefix: str = "") -> Dataset:
    """A dataset with the class numbers of another list of classes, which has all of its own.

    Args:
        dataset: with its own numbers.
        classes: the other list.
        prefix: put in front of stems and patients.

    Raises:
        ClassesDifferError: the list lacks a class of the dataset.
    """
    unknown = [name for name in dataset.classes if name not in classes]
    if unknown:
        raise ClassesDifferError(
            f"{dataset.name} has classes that are not known: {', '.join(unknown)}",
            f"Known classes: {', '.join(classes)}.",
            "Rename the classes of the dataset, or import it with --classes and leave them out.",
        )
    numbers = np.array([classes.index(name) for name in dataset.classes], np.int64)
    labelled = None if len(numbers) == len(classes) else tuple(sorted(numbers.tolist()))

    def moved(sample: Sample) -> Sample:
        own = labelled if sample.labelled is None else tuple(sorted(int(numbers[index]) for index in sample.labelled))
        return replace(
            sample,
            stem=prefix + sample.stem,
            exam=replace(sample.exam, patient=prefix + sample.exam.patient),
            classes=numbers[sample.classes],
            member=prefix.removesuffix(SEPARATOR),
            labelled=own,
        )

    return replace(dataset, classes=classes, samples=tuple(moved(sample) for sample in dataset.samples))


def combined_split(splits: Mapping[str, Split]) -> Split:
    """The parts of a combination from the parts of each dataset, by name."""
    parts: dict[Part, tuple[str, ...]] = {
        part: tuple(sorted(f"{name}{SEPARATOR}{stem}" for name, split in splits.items() for stem in split.parts[part]))
        for part in PARTS
    }
    return Split(parts)
