"""A scene of boxes of two classes and a third that nobody has, with patients, studies and what a table says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from carpal.detection.postprocess import Detections
from carpal_training.data.dataset import Sample
from carpal_training.data.exam import Exam
from carpal_training.evaluation.findings import Findings
from carpal_training.evaluation.metrics import Truth

CLASSES = ("fracture", "text", "nobody")


@pytest.fixture(scope="session")
def scene() -> Findings:
    """120 images of 30 patients, two studies each: most have fractures, all a text; found with noise."""
    rng = np.random.default_rng(5)
    found, truths, samples = [], [], []
    for place in range(120):
        patient, study, cast = place // 4, place // 2 % 2, place % 8 < 4
        wanted = _boxes(rng, int(rng.integers(0, 3)) + 1)
        names = np.array([1] + [0] * (len(wanted) - 1))
        seen = rng.random(len(wanted)) < 0.85
        extra = _boxes(rng, int(rng.integers(0, 3)))
        boxes = np.concatenate([wanted[seen] + rng.normal(0, 1.5, (seen.sum(), 4)), extra])
        classes = np.concatenate([names[seen], rng.integers(0, 2, len(extra))]).astype(np.int64)
        probabilities = np.concatenate([rng.uniform(0.3, 1, seen.sum()), rng.uniform(0.05, 0.6, len(extra))])
        order = np.argsort(-probabilities)
        found.append(Detections(boxes[order], probabilities[order], classes[order]))
        truths.append(Truth(wanted, names))
        exam = Exam(
            str(patient), study=str(study), sex="F" if patient % 2 else "M", age_years=6.0 + patient % 10, cast=cast,
            seen=(("fracture", bool((names == 0).any())),),
        )  # fmt: skip
        samples.append(Sample(f"{place:03d}", Path("none"), exam, names, wanted / 100))
    return Findings(found, truths, CLASSES, samples, [(100, 100)] * 120)


def _boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    corner = rng.uniform(0, 60, (count, 2))
    return np.concatenate([corner, corner + rng.uniform(10, 30, (count, 2))], axis=1)
