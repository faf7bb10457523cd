"""A dataset in the one form that training, evaluation and ablation use, whatever it was imported from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

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
    """

    stem: str
    image: Path
    exam: Exam
    classes: NDArray[np.int64]
    boxes: Boxes
    sha256: str | None = None
    print_: str | None = None

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
    """Samples in the order of their stems."""

    root: Path
    classes: tuple[str, ...]
    samples: tuple[Sample, ...]
    title: str = field(default="", compare=False)

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
        return "sha256:" + total.hexdigest()

    def file_digests(self, advance: Callable[[], object] = lambda: None) -> list[str]:
        """SHA-256 of each image, in order."""

        def one(sample: Sample) -> str:
            digest = sample.file_digest()
            advance()
            return digest

        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(one, self.samples))

    def instances(self) -> dict[str, int]:
        """Boxes of each class."""
        found = [sample.classes for sample in self.samples]
        counts = np.bincount(np.concatenate(found) if found else np.zeros(0, np.int64), minlength=len(self.classes))
        return dict(zip(self.classes, counts.tolist(), strict=True))
