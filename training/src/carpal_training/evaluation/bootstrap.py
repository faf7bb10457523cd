"""How sure an average precision is: patients drawn again with replacement, all draws at once.

Images of one patient resemble one another, so the patient is what is drawn, never the image. Every comparison uses the
same draws on both sides, which cancels what they share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from carpal.detection.postprocess import Detections
from carpal_training.evaluation.metrics import MOST_BOXES, RECALLS, THRESHOLDS, Truth, match

Draws = NDArray[np.int64]
_AT_ONCE = 100
"""Draws in one block, so that a block of a large set stays in memory."""


@dataclass(frozen=True)
class Matched:
    """The detections of one class over a set, strongest first, matched.

    Attributes:
        hits: bool [10, n], whether the detection took an instance, at each IoU threshold of ``metrics.THRESHOLDS``.
        owners: int64 [n], place of the patient in the list of patients.
        instances: int64 [patients], boxes of the class in the truth.
        probabilities: float64 [n], falling.
    """

    hits: NDArray[np.bool_]
    owners: NDArray[np.int64]
    instances: NDArray[np.int64]
    probabilities: NDArray[np.float64]


def draw_patients(count: int, draws: int, seed: int) -> Draws:
    """How often each patient is in each draw: int64 [draws, count], each row summing to count."""
    return np.random.default_rng(seed).multinomial(count, np.full(count, 1.0 / count), size=draws)


def match_class(found: Sequence[Detections], truths: Sequence[Truth], owners: NDArray[np.int64], index: int) -> Matched:
    """Match one class; ``owners`` [images] says whose image each is."""
    probabilities, hits, whose = [np.zeros(0)], [np.zeros((len(THRESHOLDS), 0), bool)], [np.zeros(0, np.int64)]
    instances = np.zeros(int(owners.max(initial=-1)) + 1, np.int64)
    for detections, truth, owner in zip(found, truths, owners, strict=True):
        wanted = truth.boxes[truth.classes == index]
        instances[owner] += len(wanted)
        chosen = np.flatnonzero(detections.classes == index)
        chosen = chosen[np.argsort(-detections.probabilities[chosen], kind="stable")][:MOST_BOXES]
        probabilities.append(detections.probabilities[chosen])
        hits.append(match(detections.boxes[chosen], wanted))
        whose.append(np.full(len(chosen), owner))
    joined = np.concatenate(probabilities)
    order = np.argsort(-joined, kind="stable")
    return Matched(np.concatenate(hits, axis=1)[:, order], np.concatenate(whose)[order], instances, joined[order])


def average_precision(matched: Matched, draws: Draws) -> NDArray[np.float64]:
    """AP at IoU 0.5 by COCO's 101 recall points, in each draw: float64 [draws]; NaN where a draw has no instance."""
    values: NDArray[np.float64] = _average(matched, draws, 1)[0]
    return values


def average_precisions(matched: Matched, draws: Draws) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """AP50 and AP50-95 in each draw."""
    values = _average(matched, draws, len(THRESHOLDS))
    return values[0], values.mean(axis=0)


def _average(matched: Matched, draws: Draws, thresholds: int) -> NDArray[np.float64]:
    """AP at the first thresholds, [thresholds, draws]."""
    blocks = [
        _block(matched, draws[start : start + _AT_ONCE].astype(np.float64), thresholds)
        for start in range(0, len(draws), _AT_ONCE)
    ]
    return np.concatenate([np.zeros((thresholds, 0)), *blocks], axis=1)


def mean_over_classes(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """[classes, draws] to [draws]: the mean over the classes that the draw has an instance of; 0 where it has none."""
    known = ~np.isnan(values)
    total: NDArray[np.float64] = np.where(known, values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return total


def _block(matched: Matched, weights: NDArray[np.float64], thresholds: int) -> NDArray[np.float64]:
    """A patient drawn twice counts twice: sums over detections become weighted sums.

    Precision need only be known at hits, because recall grows nowhere else. A recall point r belongs to the first hit
    at which recall is at least r, so each hit has as many points as recall passes there.
    """
    instances = weights @ matched.instances
    used = int(np.flatnonzero(matched.hits[0])[-1]) + 1 if matched.hits[0].any() else 0
    own = weights[:, matched.owners[:used]]
    found = np.cumsum(own, axis=1)
    values = np.zeros((thresholds, len(weights)))
    for row in range(thresholds):
        places = np.flatnonzero(matched.hits[row, :used])
        hits = np.cumsum(own[:, places], axis=1)
        precision = np.divide(hits, found[:, places], out=np.zeros_like(hits), where=hits > 0)
        envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        recall = hits / np.maximum(instances, 1.0)[:, None]
        # The points up to recall, compared as COCO compares them: 29/100 and the point 0.29 are not the same float.
        last = np.floor(recall * (len(RECALLS) - 1) + 1e-7).astype(np.int64)
        reached = last + (RECALLS[last] <= recall)
        points = np.diff(reached, axis=1, prepend=0)
        values[row] = (envelope * points).sum(axis=1) / len(RECALLS)
    return np.where(instances > 0, values, np.nan)
