"""A scene of boxes of two classes and a third that nobody has, with patients, studies and what a table says."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from carpal.detection.postprocess import Detections
from carpal_training.data.dataset import Sample
from carpal_training.data.exam import Exam
from carpal_training.evaluation.findings import Findings
from carpal_training.evaluation.metrics import Truth

CLASSES = ("fracture", "text", "nobody")


TABLE_HEAD = "filestem,patient_id,study_number,fracture_visible,metal"
TABLE = {"a": "a,1,1,1,", "b": "b,2,1,,1", "c": "c,3,1,1,", "unused": "unused,4,1,,"}
"""Rows of the table by stem: fracture is visible in a and c, metal in b."""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """The table of ``image_folders``, not in the order of the stems."""
    path = tmp_path / "wrists/dataset.csv"
    path.parent.mkdir()
    path.write_text("\n".join([TABLE_HEAD, *(TABLE[stem] for stem in ("c", "unused", "b", "a"))]))
    return path


@pytest.fixture
def image_folders(tmp_path: Path) -> list[Path]:
    """Images for the package ``tiny``: a has a confirmed fracture, b a possible one, c none.

    The finding of a is at (8, 8) to (16, 16), that of b at (40, 24) to (48, 32). The image c is in the second folder
    and its file is called ``c.8bit.png``.
    """
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
    write_square(folders[0] / "a.png", (8, 8), 255)
    write_square(folders[0] / "b.png", (40, 24), 154)
    write_square(folders[1] / "c.8bit.png", (8, 8), 1)
    return folders


def write_square(path: Path, corner: tuple[int, int], brightness: int, scale: int = 1) -> None:
    """Write a dark image of 64 x 64 cells with one square of 8 x 8 cells; its mean brightness is the probability."""
    pixels = np.ones((64, 64), np.uint8)  # zeros would count as padding
    pixels[63, 63] = 255  # keeps the brightness of the square when the image is stretched
    x, y = corner
    pixels[y : y + 8, x : x + 8] = brightness
    cv2.imwrite(str(path), np.kron(pixels, np.ones((scale, scale), np.uint8)))


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
