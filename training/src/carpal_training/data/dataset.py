"""A dataset in the layout in which GRAZPEDWRI-DX is distributed (figshare 14825193).

::

    images_part1/ .. images_part4/<stem>.png
    folder_structure/yolov5/meta.yaml               class names, in the order of the labels
    folder_structure/yolov5/labels/<stem>.txt       class, centre x, centre y, width, height (shares of the image)
    dataset.csv                                     starts with a byte-order mark; patient_id may read 1 or 1.0
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from carpal.imaging.geometry import Boxes
from carpal_training.errors import (
    DatasetMissingError,
    ImagesMissingError,
    LabelInvalidError,
    LabelsMissingError,
    TableInvalidError,
)

LABELS = Path("folder_structure/yolov5/labels")
META = Path("folder_structure/yolov5/meta.yaml")
TABLE = Path("dataset.csv")


@dataclass(frozen=True)
class Sample:
    """One image and what is in it.

    Attributes:
        stem: the image's file name without suffix; unique in the dataset.
        image: path of the image.
        patient: the patient's number in the dataset, the unit of every split.
        classes: int64 [n].
        boxes: float64 [n, 4], (x0, y0, x1, y1) as shares of the image's width and height.
    """

    stem: str
    image: Path
    patient: str
    classes: NDArray[np.int64]
    boxes: Boxes

    def boxes_px(self, width: int, height: int) -> Boxes:
        """The boxes in source pixels of an image of the given size."""
        return self.boxes * np.array([width, height, width, height], dtype=np.float64)


@dataclass(frozen=True)
class Dataset:
    """Samples in the order of their stems."""

    root: Path
    classes: tuple[str, ...]
    samples: tuple[Sample, ...]

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.root.resolve().name

    @cached_property
    def digest(self) -> str:
        """``sha256:`` over the class names and each sample's stem, patient, image bytes and labels."""
        with ThreadPoolExecutor(4) as pool:
            images = list(pool.map(lambda sample: hashlib.sha256(sample.image.read_bytes()).digest(), self.samples))
        total = hashlib.sha256("\n".join(self.classes).encode())
        for sample, image in zip(self.samples, images, strict=True):
            total.update(f"\n{sample.stem} {sample.patient} ".encode())
            total.update(image + sample.classes.tobytes() + sample.boxes.tobytes())
        return "sha256:" + total.hexdigest()

    def instances(self) -> dict[str, int]:
        """Boxes of each class."""
        found = [sample.classes for sample in self.samples]
        counts = np.bincount(np.concatenate(found) if found else np.zeros(0, np.int64), minlength=len(self.classes))
        return dict(zip(self.classes, counts.tolist(), strict=True))


def open_dataset(root: Path) -> Dataset:
    """Read the table, the class names and every label; images are only looked for.

    Raises:
        DatasetMissingError: there is no dataset in this folder.
        ImagesMissingError, LabelsMissingError: a row, an image or a label stands alone.
        LabelInvalidError, TableInvalidError: a file that breaks its form.
    """
    for part in (TABLE, META, LABELS):
        if not (root / part).exists():
            raise DatasetMissingError(
                f"{root} holds no dataset: {part} is not there",
                "The layout is that of GRAZPEDWRI-DX as it is distributed.",
                "Name the folder that holds dataset.csv, or make one: carpal phantoms OUT --count 300.",
            )
    classes = _class_names(root / META)
    patients = _patients(root / TABLE)
    images = {path.stem: path for folder in sorted(root.glob("images_part*")) for path in sorted(folder.glob("*.png"))}
    labels = {path.stem: path for path in (root / LABELS).glob("*.txt")}
    _paired(patients, images, labels, root)
    samples = tuple(
        Sample(stem, images[stem], patients[stem], *_read_label(labels[stem], len(classes)))
        for stem in sorted(patients)
    )
    return Dataset(root, classes, samples)


def _class_names(path: Path) -> tuple[str, ...]:
    try:
        names: Any = yaml.safe_load(path.read_text("utf-8"))["names"]
    except (yaml.YAMLError, KeyError, TypeError, UnicodeDecodeError) as failure:
        raise TableInvalidError(
            f"{path} names no classes: {failure!r}", "", "It needs a list under the key names."
        ) from failure
    if isinstance(names, dict):
        names = [names[key] for key in sorted(names)]
    if not isinstance(names, list) or not names or len(set(names)) != len(names):
        raise TableInvalidError(
            f"{path}: names is {names!r}", "It must be a list of different names.", "Correct the file."
        )
    return tuple(str(name) for name in names)


def _patients(path: Path) -> dict[str, str]:
    """Patient of each stem; written as 1 or 1.0 by different tools."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = [(row["filestem"], row["patient_id"]) for row in csv.DictReader(stream)]
        patients = {stem: str(int(float(patient))) for stem, patient in rows}
    except (KeyError, ValueError, TypeError, csv.Error, UnicodeDecodeError) as failure:
        raise TableInvalidError(
            f"{path} cannot be read: {failure!r}", "It needs the columns filestem and patient_id.", "Fetch it again."
        ) from failure
    if len(patients) != len(rows):
        raise TableInvalidError(
            f"{path} names a file stem twice", "Stems are the keys of the dataset.", "Remove the double row."
        )
    if not patients:
        raise TableInvalidError(f"{path} has no rows", "A dataset needs images.", "Fetch it again.")
    return patients


def _paired(patients: Mapping[str, str], images: Mapping[str, Path], labels: Mapping[str, Path], root: Path) -> None:
    imageless = sorted((set(patients) | set(labels)) - set(images))
    if imageless:
        raise ImagesMissingError(
            f"{len(imageless)} of {len(patients)} images are not in {root}/images_part*, first {imageless[0]}.png",
            "Each row of dataset.csv and each label needs its image.",
            "Unpack all image archives, or remove the rows and labels.",
        )
    unlabelled = sorted(set(patients) - set(labels))
    if unlabelled:
        raise LabelsMissingError(
            f"{len(unlabelled)} images have no label file in {root / LABELS}, the first is {unlabelled[0]}.txt",
            "An image without findings has an empty label file; a missing one may be an unfinished copy.",
            "Unpack the labels again, or write empty files for images without findings.",
        )


def _read_label(path: Path, count: int) -> tuple[NDArray[np.int64], Boxes]:
    classes: list[int] = []
    boxes: list[list[float]] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            name, *numbers = line.split()
            index, (x, y, width, height) = int(name), map(float, numbers)
        except ValueError as failure:
            raise LabelInvalidError(
                f"{path} line {number} reads {line!r}", "A line is: class x y width height.", "Correct it."
            ) from failure
        if not 0 <= index < count:
            raise LabelInvalidError(
                f"{path} line {number} has class {index}",
                f"meta.yaml names {count} classes, 0 to {count - 1}.",
                "Correct the label or the class list.",
            )
        if not (0 <= x <= 1 and 0 <= y <= 1 and 0 < width <= 1 and 0 < height <= 1):
            raise LabelInvalidError(
                f"{path} line {number} reads {line!r}", "A box is given in shares of the image, 0 to 1.", "Correct it."
            )
        classes.append(index)
        boxes.append([x - width / 2, y - height / 2, x + width / 2, y + height / 2])
    corners = np.clip(np.array(boxes, dtype=np.float64).reshape(-1, 4), 0.0, 1.0)
    return np.array(classes, dtype=np.int64), corners
