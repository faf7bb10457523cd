"""The dataset card: what is in a dataset, counted, for people and for machines."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from carpal.document import Document
from carpal.records.record import Digest
from carpal_training.data.dataset import Dataset
from carpal_training.data.groups import groups_of, natural
from carpal_training.data.issues import Issues
from carpal_training.data.splits import LEFT_OUT, PARTS

Count = Annotated[int, Field(ge=0)]
_QUANTILES = (0.05, 0.5, 0.95)


class ClassCount(Document):
    """One class."""

    instances: Count = Field(description="boxes")
    images: Count = Field(description="images with at least one")
    patients: Count = Field(description="patients with at least one such image")
    area_share: tuple[float, float, float] | None = Field(
        description="5, 50 and 95 % quantile of a box's area as a share of the image; null without a box"
    )


class GroupCount(Document):
    """One group of images, such as those of an age band."""

    images: Count
    patients: Count
    with_findings: Count = Field(description="images with at least one box")


class DatasetCard(Document):
    """card.json."""

    schema_: Literal["carpal.dataset-card/v1"] = Field(default="carpal.dataset-card/v1", alias="schema")
    name: str
    layout: str
    digest: Digest | None = Field(description="null where an error kept the dataset from being imported")
    images: Count
    unit: Literal["patient", "group"] = Field(
        default="patient",
        description="what the numbers of patients count; group: patients are unknown and groups of images take their "
        "place in splits and intervals",
    )
    patients: Count
    parts: dict[str, Count] = Field(
        default_factory=dict,
        description="images of each part that the dataset assigns; none: in no part; empty: not assigned",
    )
    studies: Count | None = Field(description="null where studies are not known")
    images_without_findings: Count
    images_a_patient: dict[str, Count] = Field(description="number of images to the patients that have as many")
    classes: dict[str, ClassCount]
    groups: dict[str, dict[str, GroupCount]] = Field(description="dimension, then group")
    issues: dict[str, Count] = Field(description="kinds of issues and how many; issues.csv lists them")
    command: str


def make_card(dataset: Dataset, issues: Issues, *, layout: str, command: str, digest: str | None) -> DatasetCard:
    """Count everything."""
    samples = dataset.samples
    studies = {sample.exam.study_key for sample in samples}
    sizes = Counter(Counter(sample.patient for sample in samples).values())
    return DatasetCard(
        name=dataset.name,
        layout=layout,
        digest=digest,
        images=len(samples),
        unit=dataset.unit,
        patients=len({sample.patient for sample in samples}),
        parts=_parts(dataset),
        studies=None if None in studies else len(studies),
        images_without_findings=sum(not len(sample.classes) for sample in samples),
        images_a_patient={str(size): sizes[size] for size in sorted(sizes)},
        classes={name: _class_count(dataset, index) for index, name in enumerate(dataset.classes)},
        groups=_groups(dataset),
        issues=issues.counts(),
        command=command,
    )


def _parts(dataset: Dataset) -> dict[str, int]:
    counts = Counter(sample.part for sample in dataset.samples if sample.part is not None)
    return {part: counts[part] for part in (*PARTS, LEFT_OUT) if counts[part]}


def _class_count(dataset: Dataset, index: int) -> ClassCount:
    having = [sample for sample in dataset.samples if (sample.classes == index).any()]
    sides = [np.diff(sample.boxes[sample.classes == index].reshape(-1, 2, 2), axis=1)[:, 0] for sample in having]
    areas = np.concatenate([side.prod(axis=1) for side in sides]) if sides else np.zeros(0)
    low, middle, high = np.quantile(areas, _QUANTILES).tolist() if len(areas) else (0.0, 0.0, 0.0)
    return ClassCount(
        instances=len(areas),
        images=len(having),
        patients=len({sample.patient for sample in having}),
        area_share=(low, middle, high) if len(areas) else None,
    )


def _groups(dataset: Dataset) -> dict[str, dict[str, GroupCount]]:
    members: dict[str, dict[str, list[tuple[str, bool]]]] = {}
    for sample in dataset.samples:
        for dimension, group in groups_of(sample.exam).items():
            entry = (sample.patient, bool(len(sample.classes)))
            members.setdefault(dimension, {}).setdefault(group, []).append(entry)
    return {
        dimension: {
            group: GroupCount(
                images=len(found),
                patients=len({patient for patient, _ in found}),
                with_findings=sum(has for _, has in found),
            )
            for group, found in sorted(groups.items(), key=lambda item: natural(item[0]))
        }
        for dimension, groups in members.items()
    }
