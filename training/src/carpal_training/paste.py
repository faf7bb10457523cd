"""Copy-paste: a finding, cut out of one training image and laid into another at about the same place of the frame.

ultralytics copies instances by their masks (``data/augment.py``, CopyPaste), which boxes do not have. So the cut is an
ellipse with a soft rim, its grey level is moved to that of its new surroundings, and nothing is laid over findings that
are there or where there is no tissue.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Truth = tuple[NDArray[np.int64], NDArray[np.float32]]

MARGIN = 0.2  # of the box's sides that are cut out too, on each side, for the soft rim
SHIFT = 0.05  # of the frame's sides, plus or minus, from where the finding was
LARGEST_OVERLAP = 0.2  # of the pasted box that may lie on one that is there
DARKEST = 0.5  # mean grey of the new place against that of the finding; below it is no tissue


def paste(image: Image, truth: Truth, donor: Image, finding: Truth, random: np.random.Generator) -> tuple[Image, Truth]:
    """Lay a finding of a donor into an image.

    Args:
        image: uint8 [H, W]; it is not changed.
        truth: its classes and boxes, in pixels.
        donor: uint8 [H, W], of the same size.
        finding: one class and one box of the donor.
        random: for the place.

    Returns:
        The image and its truth with the finding; as they were where it has no place.
    """
    height, width = image.shape
    box = finding[1][0]
    shift = np.round(random.uniform(-SHIFT, SHIFT, 2) * (width, height)).astype(int)
    cut = _cut(box, width, height)
    x0, y0 = np.clip(cut[:2] + shift, 0, [width - (cut[2] - cut[0]), height - (cut[3] - cut[1])])
    moved = (box + np.tile([x0 - cut[0], y0 - cut[1]], 2)).astype(np.float32)
    if _covered(moved, truth[1]) > LARGEST_OVERLAP:
        return image, truth
    patch = donor[cut[1] : cut[3], cut[0] : cut[2]].astype(np.float32)
    place = (slice(y0, y0 + patch.shape[0]), slice(x0, x0 + patch.shape[1]))
    below = image[place].astype(np.float32)
    if below.mean() < DARKEST * patch.mean():
        return image, truth
    weight = _ellipse(*patch.shape)
    rim = 1.0 - weight
    patch += ((below - patch) * rim).sum() / rim.sum()
    result = image.copy()
    result[place] = np.clip(np.rint(below + weight * (patch - below)), 0, 255).astype(np.uint8)
    return result, (np.concatenate([truth[0], finding[0]]), np.concatenate([truth[1], moved[None]]))


def _cut(box: NDArray[np.float32], width: int, height: int) -> NDArray[np.int64]:
    """Whole pixels around a box with its margin, within the frame, two by two at least."""
    sides = box[2:] - box[:2]
    low = np.floor(box[:2] - MARGIN * sides).astype(np.int64)
    high = np.ceil(box[2:] + MARGIN * sides).astype(np.int64)
    low = np.clip(low, 0, [width - 2, height - 2])
    return np.concatenate([low, np.clip(high, low + 2, [width, height])])


def _covered(box: NDArray[np.float32], others: NDArray[np.float32]) -> float:
    """The largest share of a box that one of the others covers."""
    sides = np.clip(np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2]), 0.0, None)
    return float(np.max(sides.prod(axis=1) / np.prod(box[2:] - box[:2]), initial=0.0))


def _ellipse(height: int, width: int) -> NDArray[np.float32]:
    """float32 [height, width]: 1 in the middle, falling to 0 where an ellipse meets the sides."""
    y = (np.arange(height, dtype=np.float32) + 0.5) / height * 2 - 1
    x = (np.arange(width, dtype=np.float32) + 0.5) / width * 2 - 1
    radius = np.sqrt(y[:, None] ** 2 + x[None] ** 2)
    soft: NDArray[np.float32] = np.clip((1.0 - radius) / (2 * MARGIN), 0.0, 1.0)
    return soft
