"""From a raw head to detections: threshold, best class, strongest candidates, class-aware suppression.

The same result as ultralytics' ``non_max_suppression`` with ``multi_label=False`` and ``agnostic=False`` (what its
predict uses): an anchor speaks for its best class alone, and a box is dropped when a stronger kept box of the same
class overlaps it by more than ``iou``. Two differences at the very edge: a probability equal to the floor is
kept here, and boxes are compared class by class instead of being moved apart by 7680 px a class, which costs float32
precision.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from carpal.engines.errors import NotFiniteError
from carpal.imaging.geometry import Boxes, iou
from carpal.packages.manifest import NmsDefaults


@dataclass(frozen=True)
class Detections:
    """Boxes with a probability and a class each, strongest first.

    Attributes:
        boxes: float64 [n, 4] of (x0, y0, x1, y1), in the pixel frame that the maker names.
        probabilities: float64 [n], 0..1.
        classes: int64 [n], indices into the manifest's class names.
    """

    boxes: Boxes
    probabilities: NDArray[np.float64]
    classes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.classes)

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.intp] | slice) -> Detections:
        """Some of them, by mask, index or slice."""
        return Detections(self.boxes[chosen], self.probabilities[chosen], self.classes[chosen])


def decode(head: NDArray[np.float32], nms: NmsDefaults, *, floor: float | None = None) -> Detections:
    """The detections of one image, in network pixels.

    Args:
        head: float32 [4 + classes, anchors]: centre x, centre y, width, height in network pixels, then probabilities.
        nms: overlap, floor and limits.
        floor: the lowest probability of interest; the manifest's by default.

    Raises:
        NotFiniteError: a value of the head is no number.
    """
    candidates = _candidates(head, nms.floor if floor is None else floor, nms.candidates)
    return candidates.take(_suppress(candidates, nms.iou, nms.max_findings))


def _candidates(head: NDArray[np.float32], floor: float, most: int) -> Detections:
    # The maximum over the class rows reads the head as it lies in memory; transposing thousands of anchors to find
    # the few that matter would cost more than all that follows.
    best = head[4:].max(axis=0)
    (anchors,) = np.nonzero(best >= floor)
    anchors = anchors[np.argsort(-best[anchors], kind="stable")[:most]]
    if not (np.isfinite(best).all() and np.isfinite(head[:4, anchors]).all()):
        raise NotFiniteError(
            "the head of the network holds values that are no numbers",
            "The weights are damaged, or the engine overflowed in its precision.",
            "Use the float32 variant; if it fails too, train or fetch the model again.",
        )
    centre, half = head[:2, anchors].astype(np.float64), head[2:4, anchors].astype(np.float64) / 2.0
    boxes = np.concatenate([centre - half, centre + half]).T
    return Detections(boxes, best[anchors].astype(np.float64), head[4:, anchors].argmax(axis=0).astype(np.int64))


def _suppress(found: Detections, overlap: float, most: int) -> NDArray[np.intp]:
    """Indices of the detections that stay, strongest first."""
    kept: list[int] = []
    alive = np.ones(len(found), bool)
    for index in range(len(found)):
        if not alive[index]:
            continue
        kept.append(index)
        if len(kept) == most:
            break
        rivals = index + 1 + np.flatnonzero(alive[index + 1 :] & (found.classes[index + 1 :] == found.classes[index]))
        alive[rivals] = iou(found.boxes[index : index + 1], found.boxes[rivals])[0] <= overlap
    return np.array(kept, np.intp)
