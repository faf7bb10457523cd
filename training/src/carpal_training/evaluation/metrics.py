"""Average precision as COCO defines it.

Greedy matching by probability, 101 recall points, at most 100 boxes an image and class. Source: pycocotools
``cocoeval.py``; a test compares with faster-coco-eval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from carpal.detection.postprocess import Detections
from carpal.imaging.geometry import Boxes, iou

THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0.0, 1.0, 101)
MOST_BOXES = 100


@dataclass(frozen=True)
class Truth:
    """What is in one image: boxes float64 [n, 4] and classes int64 [n], in the frame of the detections."""

    boxes: Boxes
    classes: NDArray[np.int64]


@dataclass(frozen=True)
class Ranked:
    """All detections of one class over a set, strongest first.

    Attributes:
        probabilities: float64 [n].
        hits: bool [10, n]: matched to an instance at each IoU threshold.
        instances: boxes of the class in the truth.
    """

    probabilities: NDArray[np.float64]
    hits: NDArray[np.bool_]
    instances: int

    def recall(self, threshold: int = 0) -> NDArray[np.float64]:
        """Recall after each detection, at one of THRESHOLDS."""
        return np.cumsum(self.hits[threshold]) / max(self.instances, 1)

    def precision(self, threshold: int = 0) -> NDArray[np.float64]:
        """Precision after each detection, at one of THRESHOLDS."""
        found = np.cumsum(self.hits[threshold])
        return found / np.arange(1, len(found) + 1)

    def curve(self, threshold: int = 0) -> NDArray[np.float64]:
        """Interpolated precision at the 101 recall points; 0 where the recall is never reached."""
        envelope = np.maximum.accumulate(self.precision(threshold)[::-1])[::-1]
        places = np.searchsorted(self.recall(threshold), RECALLS, side="left")
        return np.where(places < len(envelope), np.append(envelope, 0.0)[np.minimum(places, len(envelope))], 0.0)

    def average_precision(self) -> NDArray[np.float64]:
        """AP at each of THRESHOLDS, float64 [10]."""
        return np.array([self.curve(index).mean() for index in range(len(THRESHOLDS))])


def rank(found: Sequence[Detections], truths: Sequence[Truth], classes: int) -> list[Ranked]:
    """Match each class's detections over a set of images."""
    return [_rank_class(found, truths, index) for index in range(classes)]


def mean_average_precision(ranked: Sequence[Ranked]) -> tuple[float, float]:
    """mAP at IoU 0.5 and over 0.5..0.95, over the classes that have an instance; 0 where none has."""
    values = [entry.average_precision() for entry in ranked if entry.instances]
    if not values:
        return 0.0, 0.0
    return float(np.mean([value[0] for value in values])), float(np.mean(values))


def best_f1(ranked: Ranked) -> tuple[float, float, float, float | None]:
    """Precision, recall, F1 and threshold where F1 at IoU 0.5 is best; zeros where nothing was found."""
    if not len(ranked.probabilities):
        return 0.0, 0.0, 0.0, None
    precision, recall = ranked.precision(), ranked.recall()
    f1 = np.divide(
        2 * precision * recall, precision + recall, out=np.zeros_like(precision), where=precision + recall > 0
    )
    best = int(np.argmax(f1))
    return float(precision[best]), float(recall[best]), float(f1[best]), float(ranked.probabilities[best])


def _rank_class(found: Sequence[Detections], truths: Sequence[Truth], index: int) -> Ranked:
    probabilities, hits, instances = [np.zeros(0)], [np.zeros((len(THRESHOLDS), 0), bool)], 0
    for detections, truth in zip(found, truths, strict=True):
        wanted = truth.boxes[truth.classes == index]
        instances += len(wanted)
        chosen = np.flatnonzero(detections.classes == index)
        chosen = chosen[np.argsort(-detections.probabilities[chosen], kind="stable")][:MOST_BOXES]
        probabilities.append(detections.probabilities[chosen])
        hits.append(match(detections.boxes[chosen], wanted))
    joined = np.concatenate(probabilities)
    order = np.argsort(-joined, kind="stable")
    return Ranked(joined[order], np.concatenate(hits, axis=1)[:, order], instances)


def match(boxes: Boxes, wanted: Boxes) -> NDArray[np.bool_]:
    """Which of the boxes (strongest first) take an instance, at each threshold: bool [10, n]."""
    hits = np.zeros((len(THRESHOLDS), len(boxes)), bool)
    if not len(boxes) or not len(wanted):
        return hits
    overlaps = iou(boxes, wanted)
    candidates = np.flatnonzero(overlaps.max(axis=1) >= THRESHOLDS[0] - 1e-9)
    for row, threshold in enumerate(THRESHOLDS):
        free = np.ones(len(wanted), bool)
        for index in candidates:
            best = int(np.argmax(np.where(free, overlaps[index], -1.0)))
            if free[best] and overlaps[index, best] >= threshold:
                hits[row, index], free[best] = True, False
    return hits
