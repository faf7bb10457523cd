"""What was said of each image and what is true of it, class by class: the ground of AUC, sensitivity and specificity.

An image's score for a class is that of its strongest box. A study's is the highest of its images, a patient's the
highest of the studies: some findings show in one of two views only, so the study is what a reader reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from carpal.detection.postprocess import Detections
from carpal_training.data.exam import Exam
from carpal_training.evaluation.metrics import Truth
from carpal_training.evaluation.operating_points import image_probabilities

Level = Literal["image", "study", "patient"]
LEVELS: tuple[Level, ...] = get_args(Level)


@dataclass(frozen=True)
class Cases:
    """One row a case (image, study or patient).

    Attributes:
        classes: those of which the truth is known.
        scores: float64 [n, classes], 0 where nothing was found.
        present: bool [n, classes].
        exams: of each case; of several images the first one's.
        owners: int64 [n], place of the patient in the sorted list of patients; ``patients`` is their number.
    """

    classes: tuple[str, ...]
    scores: NDArray[np.float64]
    present: NDArray[np.bool_]
    exams: tuple[Exam, ...]
    owners: NDArray[np.int64]
    patients: int

    def __len__(self) -> int:
        return len(self.exams)

    def at(self, level: Level) -> Cases | None:
        """The cases of a level; None where studies are not known."""
        keys: list[str | None] = [self._key(level, place) for place in range(len(self))]
        if None in keys:
            return None
        _, first, groups = np.unique(np.array(keys, str), return_index=True, return_inverse=True)
        scores, present = (np.zeros((len(first), len(self.classes)), kind) for kind in (np.float64, bool))
        np.maximum.at(scores, groups, self.scores)
        np.logical_or.at(present, groups, self.present)
        exams = tuple(self.exams[place] for place in first)
        return replace(self, scores=scores, present=present, exams=exams, owners=self.owners[first])

    def _key(self, level: Level, place: int) -> str | None:
        exam = self.exams[place]
        return str(place) if level == "image" else exam.study_key if level == "study" else exam.patient

    def take(self, chosen: NDArray[np.bool_]) -> Cases:
        """Some of the cases; patients keep their places, so that draws still fit."""
        exams = tuple(exam for exam, one in zip(self.exams, chosen, strict=True) if one)
        return replace(
            self, scores=self.scores[chosen], present=self.present[chosen], exams=exams, owners=self.owners[chosen]
        )


def cases_from_boxes(
    found: Sequence[Detections],
    truths: Sequence[Truth],
    exams: Sequence[Exam],
    classes: tuple[str, ...],
    labelled: Sequence[str] | None = None,
) -> Cases:
    """Cases whose truth is in the labels.

    Args:
        found, truths, exams: of each image.
        classes: names in the order of their numbers.
        labelled: the classes that the labels cover; None: all.
    """
    known = [index for index, name in enumerate(classes) if labelled is None or name in labelled]
    scores = np.array([image_probabilities(found, index) for index in known]).T
    present = np.array([[bool((truth.classes == index).any()) for index in known] for truth in truths], dtype=bool)
    names, shape = tuple(classes[index] for index in known), (len(found), len(known))
    return _cases(names, scores.reshape(shape), present.reshape(shape), exams)


def cases_from_table(found: Sequence[Detections], exams: Sequence[Exam], classes: tuple[str, ...]) -> Cases:
    """Cases whose truth is in the table alone, for the classes that it speaks of."""
    seen = [dict(exam.seen) for exam in exams]
    known = tuple(name for name in classes if all(name in one for one in seen))
    scores = [image_probabilities(found, classes.index(name)) for name in known]
    present = np.array([[one[name] for name in known] for one in seen], bool)
    return _cases(known, np.array(scores).T.reshape(len(found), len(known)), present, exams)


def owners_of(exams: Sequence[Exam]) -> tuple[NDArray[np.int64], int]:
    """Place of each image's patient in the sorted list of patients, and their number."""
    names, owners = np.unique([exam.patient for exam in exams], return_inverse=True)
    return owners.astype(np.int64), len(names)


def _cases(
    classes: tuple[str, ...], scores: NDArray[np.float64], present: NDArray[np.bool_], exams: Sequence[Exam]
) -> Cases:
    owners, patients = owners_of(exams)
    return Cases(classes, scores, present, tuple(exams), owners, patients)
