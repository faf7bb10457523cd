"""Images that repeat another one: the same file, or nearly the same perceptual hash."""

from __future__ import annotations

from collections.abc import Mapping

from carpal_training.data.image_files import ImageFile
from carpal_training.data.issues import Issues
from carpal_training.data.leaks import SAME_IMAGE_BITS
from carpal_training.data.prints import near_pairs

COPY_BITS = 8
"""Bits of the perceptual hash in which an unlabelled copy may differ from the fractured image. Among the images of the
cut (3,938), the four such pairs differ by 0 bits and the next pair by 24."""


def near_copies(files: Mapping[str, ImageFile], limit: int = SAME_IMAGE_BITS) -> list[tuple[str, str]]:
    """Pairs of images that are the same file, or whose perceptual hashes are as near as those of one image."""
    first: dict[str, str] = {}
    pairs = [(first.setdefault(file.sha256, stem), stem) for stem, file in files.items()]
    hashed = [(stem, file.print_) for stem, file in files.items() if file.print_]
    near = near_pairs([print_ for _, print_ in hashed], limit)
    return [pair for pair in pairs if pair[0] != pair[1]] + [(hashed[one][0], hashed[two][0]) for one, two, _ in near]


def repeats(files: Mapping[str, ImageFile], fractured: set[str], issues: Issues) -> dict[str, str]:
    """Part ``none`` for repeats of a file and for unlabelled copies of fractured images.

    Of files with the same bytes the fractured image stays, or else the one with the lowest number.
    """
    kept: dict[str, str] = {}
    parts: dict[str, str] = {}
    for stem in sorted(files, key=lambda name: (name not in fractured, name)):
        original = kept.setdefault(files[stem].sha256, stem)
        if original != stem:
            parts[stem] = "none"
            issues.add("left-out-image", stem, files[stem].path.name, f"same bytes as {original}")
    for pair in near_copies(files, COPY_BITS):
        unlabelled = [stem for stem in pair if stem not in fractured]
        if len(unlabelled) == 1 and unlabelled[0] not in parts:
            (stem,) = unlabelled
            original = pair[0] if pair[1] == stem else pair[1]
            parts[stem] = "none"
            issues.add("left-out-image", stem, files[stem].path.name, f"unlabelled copy of fractured {original}")
    return parts
