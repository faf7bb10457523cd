"""Leaks between the parts of a split: one patient in two of them, or one image under two names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from carpal_training.data.dataset import Dataset
from carpal_training.data.dealing import Part
from carpal_training.data.prints import BITS, near_pairs
from carpal_training.errors import LeakFoundError

SAME_IMAGE_BITS = 20
"""Bits in which two files of one image may differ. Of five real radiographs and ten phantoms, other formats, half the
size, JPEG at 60, other contrast and gamma differ by 18 at most; of 600 phantoms no two come nearer than 48."""
EXAMPLES = 5


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
    """Patients or groups with images in two parts; one pair of images for each pair of parts.

    Images without a home are left out of the split and do not count.
    """
    seen: dict[str, dict[Part, str]] = {}
    found = []
    relation = "both are of patient" if dataset.unit == "patient" else "both are of group"
    for sample in dataset.samples:
        part = homes.get(sample.stem)
        if part is None:
            continue
        own = seen.setdefault(sample.patient, {})
        if part not in own:
            found += [
                Leak(stem, sample.stem, (other, part), f"{relation} {sample.patient}") for other, stem in own.items()
            ]
            own[part] = sample.stem
    return found


def image_leaks(dataset: Dataset, homes: Mapping[str, Part], prints: Sequence[str]) -> list[Leak]:
    """Images in different parts that show the same; ``prints`` are those of the samples, in order.

    Images without a home are left out of the split and do not count. Mirrored images are not found, and neither is a
    detail cut out of an image.
    """
    pairs = zip(dataset.samples, prints, strict=True)
    placed = [(sample.stem, homes[sample.stem], print_) for sample, print_ in pairs if sample.stem in homes]
    found = []
    for row, column, bits in near_pairs([print_ for _, _, print_ in placed], SAME_IMAGE_BITS):
        (first, home, _), (second, other, _) = placed[row], placed[column]
        if home != other:
            reason = f"the same image but for {bits} of {BITS} bits of the perceptual hash"
            found.append(Leak(first, second, (home, other), reason))
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
