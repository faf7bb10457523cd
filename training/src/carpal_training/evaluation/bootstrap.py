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
from carpal_training.evaluation.metrics import MOST_BOXES, RECALLS, Truth, match

Draws = NDArray[np.int64]
_AT_ONCE = 100
"""Draws in one block, so that a block of a large set stays in memory."""


@dataclass(frozen=True)
class Matched:
    """The detections of one class over a set, strongest first, matched at IoU 0.5.

    Attributes:
        hits: bool [n], whether the detection took an instance.
        owners: int64 [n], place of the patient in the list of patients.
        instances: int64 [patients], boxes of the class in the truth.
    """

    hits: NDArray[np.bool_]
    owners: NDArray[np.int64]
    instances: NDArray[np.int64]


def draw_patients(count: int, draws: int, seed: int) -> Draws:
    """How often each patient is in each draw: int64 [draws, count], each row summing to count."""
    return np.random.default_rng(seed).multinomial(count, np.full(count, 1.0 / count), size=draws)


def match_class(found: Sequence[Detections], truths: Sequence[Truth], owners: NDArray[np.int64], index: int) -> Matched:
    """Match one class; ``owners`` [images] says whose image each is."""
    probabilities, hits, whose = [np.zeros(0)], [np.zeros(0, bool)], [np.zeros(0, np.int64)]
    instances = np.zeros(int(owners.max(initial=-1)) + 1, np.int64)
    for detections, truth, owner in zip(found, truths, owners, strict=True):
        wanted = truth.boxes[truth.classes == index]
        instances[owner] += len(wanted)
        chosen = np.flatnonzero(detections.classes == index)
        chosen = chosen[np.argsort(-detections.probabilities[chosen], kind="stable")][:MOST_BOXES]
        probabilities.append(detections.probabilities[chosen])
        hits.append(match(detections.boxes[chosen], wanted)[0])
        whose.append(np.full(len(chosen), owner))
    order = np.argsort(-np.concatenate(probabilities), kind="stable")
    return Matched(np.concatenate(hits)[order], np.concatenate(whose)[order], instances)


def average_precision(matched: Matched, draws: Draws) -> NDArray[np.float64]:
    """AP at IoU 0.5 by COCO's 101 recall points, in each draw: float64 [draws]; NaN where a draw has no instance."""
    blocks = [
        _block(matched, draws[start : start + _AT_ONCE].astype(np.float64)) for start in range(0, len(draws), _AT_ONCE)
    ]
    return np.concatenate([np.zeros(0), *blocks])


def mean_over_classes(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """[classes, draws] to [draws]: the mean over the classes that the draw has an instance of; 0 where it has none."""
    known = ~np.isnan(values)
    total: NDArray[np.float64] = np.where(known, values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return total


def _block(matched: Matched, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """A patient drawn twice counts twice: sums over detections become weighted sums.

    Precision need only be known at hits, because recall grows nowhere else. A recall point r belongs to the first hit
    at which recall is at least r, so each hit has as many points as recall passes there.
    """
    instances = weights @ matched.instances
    found = np.cumsum(weights[:, matched.owners], axis=1)[:, matched.hits]
    hits = np.cumsum(weights[:, matched.owners[matched.hits]], axis=1)
    precision = np.divide(hits, found, out=np.zeros_like(hits), where=found > 0)
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    recall = hits / np.maximum(instances, 1.0)[:, None]
    reached = np.searchsorted(RECALLS, recall.ravel() + 1e-9, side="right").reshape(recall.shape)
    points = np.diff(reached, axis=1, prepend=0)
    area: NDArray[np.float64] = (envelope * points).sum(axis=1) / len(RECALLS)
    return np.where(instances > 0, area, np.nan)
