"""Train, val and test, dealt out by patient, or by group where patients are unknown: none is ever in two parts.

A split by image puts 88 of 100 test images of GRAZPEDWRI-DX beside their own patient's images in training.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
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
LEFT_OUT = "none"
"""What a table or a dataset writes for an image that is in no part."""


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
    """The stems of each part, sorted. An image of the dataset may be in no part."""

    parts: dict[Part, tuple[str, ...]]

    @property
    def digest(self) -> str:
        """``sha256:`` over the parts and their stems."""
        text = "\n".join(f"{part}:{','.join(self.parts[part])}" for part in PARTS)
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()

    @property
    def homes(self) -> dict[str, Part]:
        """The part of each stem that is in one."""
        return {stem: part for part in PARTS for stem in self.parts[part]}

    def samples(self, dataset: Dataset, part: Part) -> tuple[Sample, ...]:
        """The part's samples, in the order of their stems."""
        chosen = set(self.parts[part])
        return tuple(sample for sample in dataset.samples if sample.stem in chosen)

    def csv(self, dataset: Dataset) -> str:
        """The split as a table with the columns filestem and split, which ``split.file`` of a recipe reads.

        Images of the dataset that are in no part have ``none``.
        """
        homes = self.homes
        rows = sorted((sample.stem, homes.get(sample.stem, LEFT_OUT)) for sample in dataset.samples)
        return "\n".join(["filestem,split", *(f"{stem},{part}" for stem, part in rows)]) + "\n"


def carries_parts(dataset: Dataset) -> bool:
    """Whether the dataset itself assigns images to parts."""
    return any(sample.part in PARTS for sample in dataset.samples)


def make_split(dataset: Dataset, plan: SplitPlan) -> Split:
    """The split that a plan asks for: its table, or the parts that the dataset carries, or patients dealt by chance.

    Raises:
        SplitInvalidError: the published table does not fit the dataset, or train or val would be empty.
        LeakFoundError: the table or the dataset has a patient or group in two parts.
    """
    if plan.file is not None:
        homes = read_split(Path(plan.file), dataset)
        source = plan.file
    elif plan.carried and carries_parts(dataset):
        homes = {sample.stem: part for sample in dataset.samples for part in PARTS if sample.part == part}
        source = "the split of the dataset"
    else:
        homes = _dealt(dataset, plan)
        source = f"train {plan.train} and val {plan.val}"
    split = Split({part: tuple(sorted(stem for stem, home in homes.items() if home == part)) for part in PARTS})
    refuse(patient_leaks(dataset, split.homes))
    for part in ("train", "val"):
        if not split.parts[part]:
            units = len({sample.patient for sample in dataset.samples})
            raise SplitInvalidError(
                f"{part} has no image: {units} {dataset.unit}s, {source}",
                f"Training and its validation need images of different {dataset.unit}s.",
                f"Use more {dataset.unit}s, other fractions or another table; split.carried=false ignores the "
                "dataset's own split.",
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

    Images with an empty cell or ``none`` are left out of the split.

    Raises:
        SplitInvalidError: the table cannot be read, names an unknown part or an image twice, or lacks an image of the
            dataset.
    """
    table: dict[str, str] = {}
    for line, row in enumerate(read_csv(path, ("filestem", "split"), SplitInvalidError), start=2):
        stem, part = row["filestem"].strip(), row["split"].strip() or LEFT_OUT
        if part not in (*PARTS, LEFT_OUT):
            raise SplitInvalidError(
                f"{path} line {line}: unknown part {part!r} of {stem} (known: {', '.join(PARTS)}, {LEFT_OUT})",
                f"An empty cell or {LEFT_OUT} leaves an image out.",
                "Correct the table.",
            )
        if table.setdefault(stem, part) != part:
            raise SplitInvalidError(
                f"{path} line {line}: {stem} is in {table[stem]} and in {part}",
                "An image is in one part only.",
                "Remove one of the two rows.",
            )
    homes: dict[str, Part] = {}
    for sample in dataset.samples:
        if sample.stem not in table:
            raise SplitInvalidError(
                f"{path} has no row of {sample.stem}",
                "Each image of the dataset needs a row.",
                f"Complete the table; an empty cell or {LEFT_OUT} leaves an image out.",
            )
        home = next((known for known in PARTS if known == table[sample.stem]), None)
        if home is not None:
            homes[sample.stem] = home
    return homes


def _dealt(dataset: Dataset, plan: SplitPlan) -> dict[str, Part]:
    """Patients dealt to the parts; images that the dataset leaves out stay out."""
    samples = tuple(sample for sample in dataset.samples if sample.part != LEFT_OUT)
    shares: dict[Part, float] = {"train": plan.train, "val": plan.val, "test": max(0.0, 1.0 - plan.train - plan.val)}
    if plan.stratified:
        homes = deal_alike(replace(dataset, samples=samples), shares, plan.seed)
    else:
        homes = deal_by_chance(sorted({sample.patient for sample in samples}), shares, plan.seed)
    return {sample.stem: homes[sample.patient] for sample in samples}
