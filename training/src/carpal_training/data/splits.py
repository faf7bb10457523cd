"""Train, val and test, dealt out by patient: no patient is ever in two parts.

A split by image puts 88 of 100 test images of GRAZPEDWRI-DX beside their own patient's images in training.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from carpal.errors import UsageError
from carpal_training.data.dataset import Dataset, Sample
from carpal_training.data.dealing import Part, deal_alike, deal_by_chance
from carpal_training.data.leaks import patient_leaks, refuse
from carpal_training.data.table import read_csv
from carpal_training.errors import SplitInvalidError
from carpal_training.recipe import SplitPlan

PARTS: tuple[Part, ...] = get_args(Part)


def part_named(name: str) -> Part:
    """The part of that name.

    Raises:
        UsageError: there is none.
    """
    part = next((known for known in PARTS if known == name), None)
    if part is None:
        raise UsageError(f"{name} is not a part", f"The parts are {', '.join(PARTS)}.", "Choose one of them.")
    return part


@dataclass(frozen=True)
class Split:
    """The stems of each part, sorted."""

    parts: dict[Part, tuple[str, ...]]

    @property
    def digest(self) -> str:
        """``sha256:`` over the parts and their stems."""
        text = "\n".join(f"{part}:{','.join(self.parts[part])}" for part in PARTS)
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()

    @property
    def homes(self) -> dict[str, Part]:
        """The part of each stem."""
        return {stem: part for part in PARTS for stem in self.parts[part]}

    def samples(self, dataset: Dataset, part: Part) -> tuple[Sample, ...]:
        """The part's samples, in the order of their stems."""
        chosen = set(self.parts[part])
        return tuple(sample for sample in dataset.samples if sample.stem in chosen)

    def csv(self) -> str:
        """The split as a table with the columns filestem and split, which ``split.file`` of a recipe reads."""
        return "\n".join(["filestem,split", *(f"{stem},{part}" for stem, part in sorted(self.homes.items()))]) + "\n"


def make_split(dataset: Dataset, plan: SplitPlan) -> Split:
    """The split that a plan asks for.

    Raises:
        SplitInvalidError: the published table does not fit the dataset, or train or val would be empty.
        LeakFoundError: the published table has a patient in two parts.
    """
    homes = _dealt(dataset, plan) if plan.file is None else read_split(Path(plan.file), dataset)
    split = Split({part: tuple(sorted(stem for stem, home in homes.items() if home == part)) for part in PARTS})
    refuse(patient_leaks(dataset, split.homes))
    for part in ("train", "val"):
        if not split.parts[part]:
            patients = len({sample.patient for sample in dataset.samples})
            raise SplitInvalidError(
                f"{part} has no image: {patients} patients for train {plan.train} and val {plan.val}",
                "Training and its validation need images of different patients.",
                "Use more patients or other fractions.",
            )
    return split


def summarise(dataset: Dataset, split: Split) -> dict[str, dict[str, Any]]:
    """Images, patients and boxes of each class in each part."""
    summary: dict[str, dict[str, Any]] = {}
    for part in PARTS:
        samples = split.samples(dataset, part)
        summary[part] = {
            "images": len(samples),
            "patients": len({sample.patient for sample in samples}),
            "classes": Dataset(dataset.root, dataset.classes, samples).instances(),
        }
    return summary


def read_split(path: Path, dataset: Dataset) -> dict[str, Part]:
    """The part of each stem from a published CSV or CSV.gz with the columns filestem and split.

    Raises:
        SplitInvalidError: no such table, or an image of the dataset that it puts nowhere.
    """
    table = {row["filestem"]: row["split"].strip() for row in read_csv(path, ("filestem", "split"), SplitInvalidError)}
    homes: dict[str, Part] = {}
    for sample in dataset.samples:
        part = next((known for known in PARTS if known == table.get(sample.stem)), None)
        if part is None:
            raise SplitInvalidError(
                f"{path} puts {sample.stem} in {table.get(sample.stem)!r}",
                "Each image of the dataset needs train, val or test.",
                "Complete the table.",
            )
        homes[sample.stem] = part
    return homes


def _dealt(dataset: Dataset, plan: SplitPlan) -> dict[str, Part]:
    shares: dict[Part, float] = {"train": plan.train, "val": plan.val, "test": max(0.0, 1.0 - plan.train - plan.val)}
    if plan.stratified:
        homes = deal_alike(dataset, shares, plan.seed)
    else:
        homes = deal_by_chance(sorted({sample.patient for sample in dataset.samples}), shares, plan.seed)
    return {sample.stem: homes[sample.patient] for sample in dataset.samples}
