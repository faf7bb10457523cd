"""Train, val and test, dealt out by patient: no patient is ever in two parts.

A split by image puts 88 of 100 test images of GRAZPEDWRI-DX beside their own patient's images in training.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from carpal_training.data.dataset import Dataset, Sample
from carpal_training.errors import SplitInvalidError
from carpal_training.recipe import SplitPlan

Part = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = get_args(Part)


@dataclass(frozen=True)
class Split:
    """The stems of each part, sorted."""

    parts: dict[Part, tuple[str, ...]]

    @property
    def digest(self) -> str:
        """``sha256:`` over the parts and their stems."""
        text = "\n".join(f"{part}:{','.join(self.parts[part])}" for part in PARTS)
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()

    def samples(self, dataset: Dataset, part: Part) -> tuple[Sample, ...]:
        """The part's samples, in the order of their stems."""
        chosen = set(self.parts[part])
        return tuple(sample for sample in dataset.samples if sample.stem in chosen)


def make_split(dataset: Dataset, plan: SplitPlan) -> Split:
    """The split that a plan asks for.

    Raises:
        SplitInvalidError: the published table does not fit the dataset, or train or val would be empty.
    """
    assigned = _deal(dataset, plan) if plan.file is None else _published(Path(plan.file), dataset)
    homes: dict[str, Part] = {}
    for sample in dataset.samples:
        home = homes.setdefault(sample.patient, assigned[sample.stem])
        if home != assigned[sample.stem]:
            raise SplitInvalidError(
                f"patient {sample.patient} is in {home} and in {assigned[sample.stem]}",
                "Images of one patient in two parts make every figure look better than it is.",
                "Split by patient.",
            )
    split = Split({part: tuple(sorted(stem for stem, home in assigned.items() if home == part)) for part in PARTS})
    for part in ("train", "val"):
        if not split.parts[part]:
            raise SplitInvalidError(
                f"{part} has no image: {len(homes)} patients for train {plan.train} and val {plan.val}",
                "Training and its validation need images of different patients.",
                "Use more patients or other fractions.",
            )
    return split


def _deal(dataset: Dataset, plan: SplitPlan) -> dict[str, Part]:
    """Patients in a seeded order; train, then val, take their shares of the patients, at least one each."""
    patients = sorted({sample.patient for sample in dataset.samples}, key=int)
    order = np.random.default_rng(plan.seed).permutation(len(patients))
    first = max(1, round(plan.train * len(patients)))
    second = first + max(1, round(plan.val * len(patients)))
    homes: dict[str, Part] = {}
    for place, index in enumerate(order.tolist()):
        homes[patients[index]] = "train" if place < first else "val" if place < second else "test"
    return {sample.stem: homes[sample.patient] for sample in dataset.samples}


def _published(path: Path, dataset: Dataset) -> dict[str, Part]:
    try:
        body = path.read_bytes()
        text = (gzip.decompress(body) if path.suffix == ".gz" else body).decode("utf-8-sig")
        table = {row["filestem"]: row["split"].strip() for row in csv.DictReader(io.StringIO(text))}
    except (OSError, KeyError, AttributeError, UnicodeDecodeError, csv.Error) as failure:
        raise SplitInvalidError(
            f"{path} is no split: {failure!r}", "It needs the columns filestem and split.", "Name a CSV."
        ) from failure
    assigned: dict[str, Part] = {}
    for sample in dataset.samples:
        part = table.get(sample.stem)
        if part not in PARTS:
            raise SplitInvalidError(
                f"{path} puts {sample.stem} in {part!r}",
                "Each image of the dataset needs train, val or test.",
                "Complete the table.",
            )
        assigned[sample.stem] = part
    return assigned
