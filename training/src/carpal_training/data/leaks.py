"""Leaks between the parts of a split: one patient in two of them, or one image under two names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from carpal_training.data.dataset import Dataset
from carpal_training.data.dealing import Part
from carpal_training.data.prints import BITS, distances, unpack
from carpal_training.errors import LeakFoundError

SAME_IMAGE_BITS = 20
"""Bits in which two files of one image may differ. Of five real radiographs and ten phantoms, other formats, half the
size, JPEG at 60, other contrast and gamma differ by 18 at most; of 600 phantoms no two come nearer than 48."""
EXAMPLES = 5
_ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class Leak:
    """Two images that must not be in two parts."""

    first: str
    second: str
    parts: tuple[Part, Part]
    reason: str

    def __str__(self) -> str:
        return f"{self.first} ({self.parts[0]}) and {self.second} ({self.parts[1]}): {self.reason}"


def patient_leaks(dataset: Dataset, homes: Mapping[str, Part]) -> list[Leak]:
    """Patients with images in two parts; one pair of images for each pair of parts."""
    seen: dict[str, dict[Part, str]] = {}
    found = []
    for sample in dataset.samples:
        part = homes[sample.stem]
        own = seen.setdefault(sample.patient, {})
        if part not in own:
            found += [
                Leak(stem, sample.stem, (other, part), f"both are of patient {sample.patient}")
                for other, stem in own.items()
            ]
            own[part] = sample.stem
    return found


def image_leaks(dataset: Dataset, homes: Mapping[str, Part], prints: Sequence[str]) -> list[Leak]:
    """Images in different parts that show the same; ``prints`` are those of the samples, in order.

    Mirrored images are not found, and neither is a detail cut out of an image.
    """
    parts = np.array([homes[sample.stem] for sample in dataset.samples])
    words = unpack(prints)
    found = []
    for start in range(0, len(parts), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        rest = slice(start, None)
        near = distances(words[rows], words[rest])
        pairs = (near <= SAME_IMAGE_BITS) & (parts[rows, None] != parts[None, rest])
        for row, column in zip(*np.nonzero(np.triu(pairs, 1)), strict=True):
            one, other = dataset.samples[start + row].stem, dataset.samples[start + column].stem
            reason = f"the same image but for {near[row, column]} of {BITS} bits of the perceptual hash"
            found.append(Leak(one, other, (homes[one], homes[other]), reason))
    return found


def refuse(leaks: Sequence[Leak]) -> None:
    """Raise where there is a leak, and name the first.

    Raises:
        LeakFoundError: with the number of leaks and the first five.
    """
    if leaks:
        shown = "; ".join(str(leak) for leak in leaks[:EXAMPLES])
        raise LeakFoundError(
            f"{len(leaks)} leaks between the parts, first: {shown}",
            "What is in training and in a test makes every figure look better than it is.",
            "Put both into one part, or remove one; `carpal train split` makes a split without leaks.",
        )
