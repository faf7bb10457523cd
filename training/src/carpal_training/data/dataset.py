"""A dataset in the one form that training, evaluation and ablation use, whatever it was imported from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from carpal.imaging.geometry import Boxes
from carpal_training.data.exam import Exam


@dataclass(frozen=True)
class Sample:
    """One image and what is in it.

    Attributes:
        stem: the image's name; unique in the dataset.
        image: path of the image, any file that carpal reads.
        exam: whose it is, and what is known of the examination.
        classes: int64 [n].
        boxes: float64 [n, 4], (x0, y0, x1, y1) as shares of the image's width and height.
        sha256: hexadecimal digest of the file where it is known, from an import.
        print_: perceptual hash as hexadecimal where it is known, from an import; see ``carpal_training.data.prints``.
        part: the part that the dataset itself assigns: train, val, test, or none (used in no part); None: not assigned.
        member: name of the dataset that the image is from, in a combination of several; else empty.
        labelled: class numbers that the labels of this image cover; None: all classes of the dataset.
    """

    stem: str
    image: Path
    exam: Exam
    classes: NDArray[np.int64]
    boxes: Boxes
    sha256: str | None = None
    print_: str | None = None
    part: str | None = None
    member: str = ""
    labelled: tuple[int, ...] | None = None

    @property
    def patient(self) -> str:
        """Whose image it is: the unit of every split."""
        return self.exam.patient

    def boxes_px(self, width: int, height: int) -> Boxes:
        """The boxes in source pixels of an image of the given size."""
        return self.boxes * np.array([width, height, width, height], dtype=np.float64)

    def file_digest(self) -> str:
        """SHA-256 of the file, read only where it is not known."""
        return self.sha256 or hashlib.sha256(self.image.read_bytes()).hexdigest()


@dataclass(frozen=True)
class Dataset:
    """Samples in the order of their stems.

    Attributes:
        root: folder of the images.
        classes: names in the order of their numbers.
        samples: the images.
        title: what the dataset is called; empty: the folder's name.
        members: the datasets that were combined; empty for a dataset of its own.
        unit: what ``Exam.patient`` is, and so what is never in two parts: a patient, or a group of images if patients
            are unknown.
    """

    root: Path
    classes: tuple[str, ...]
    samples: tuple[Sample, ...]
    title: str = field(default="", compare=False)
    members: tuple[Dataset, ...] = field(default=(), compare=False)
    unit: Literal["patient", "group"] = field(default="patient", compare=False)

    @property
    def name(self) -> str:
        """The title, or else the folder's name."""
        return self.title or self.root.resolve().name

    @cached_property
    def digest(self) -> str:
        """``sha256:`` over the class names and each sample's stem, patient, image bytes and labels."""
        images = self.file_digests()
        total = hashlib.sha256("\n".join(self.classes).encode())
        for sample, image in zip(self.samples, images, strict=True):
            total.update(f"\n{sample.stem} {sample.patient} ".encode())
            total.update(bytes.fromhex(image) + sample.classes.tobytes() + sample.boxes.tobytes())
            if sample.labelled is not None:
                total.update(f" labelled {sample.labelled}".encode())
        return "sha256:" + total.hexdigest()

    def file_digests(self, advance: Callable[[], object] = lambda: None) -> list[str]:
        """SHA-256 of each image, in order."""

        def one(sample: Sample) -> str:
            digest = sample.file_digest()
            advance()
            return digest

        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(one, self.samples))

    def labelled(self) -> NDArray[np.bool_]:
        """Bool [samples, classes]: whether the labels of a sample cover a class."""
        covered = np.ones((len(self.samples), len(self.classes)), dtype=bool)
        for row, sample in enumerate(self.samples):
            if sample.labelled is not None:
                covered[row] = np.isin(np.arange(len(self.classes)), sample.labelled)
        return covered

    def instances(self) -> dict[str, int]:
        """Boxes of each class."""
        found = [sample.classes for sample in self.samples]
        counts = np.bincount(np.concatenate(found) if found else np.zeros(0, np.int64), minlength=len(self.classes))
        return dict(zip(self.classes, counts.tolist(), strict=True))
