"""AUC, sensitivity and specificity of one class, once or in many draws of patients at the same time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from carpal_training.evaluation.bootstrap import Draws

Values = NDArray[np.float64]
_AT_ONCE = 200


def auc(scores: Values, present: NDArray[np.bool_], owners: NDArray[np.int64], draws: Draws) -> Values:
    """Area under the ROC curve in each draw: float64 [draws]; NaN where a draw lacks cases with or without the class.

    The share of pairs (one with, one without the class) in which the one with it has the higher score; ties count half
    (Mann and Whitney 1947). A patient who is drawn twice counts twice.
    """
    order = np.argsort(scores, kind="stable")
    ranked, truth, whose = scores[order], present[order], owners[order]
    starts = np.flatnonzero(np.diff(ranked, prepend=-np.inf) > 0)
    blocks = []
    for start in range(0, len(draws), _AT_ONCE):
        weights = draws[start : start + _AT_ONCE][:, whose].astype(np.float64)
        positive, negative = (
            np.add.reduceat(weights * side, starts, axis=1) if len(starts) else np.zeros((len(weights), 1))
            for side in (truth, ~truth)
        )
        below = np.cumsum(negative, axis=1) - negative
        pairs = positive.sum(axis=1) * negative.sum(axis=1)
        won = (positive * (below + negative / 2)).sum(axis=1)
        blocks.append(np.divide(won, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0))
    return np.concatenate([np.zeros(0), *blocks])


def shares(chosen: NDArray[np.bool_], of: NDArray[np.bool_], owners: NDArray[np.int64], draws: Draws) -> Values:
    """The share of the cases ``of`` that is ``chosen``, in each draw; NaN where a draw has none."""
    patients = draws.shape[1]
    hits = np.bincount(owners[of & chosen], minlength=patients)
    all_ = np.bincount(owners[of], minlength=patients)
    top, bottom = (draws @ count for count in (hits, all_))
    values: Values = np.divide(top, bottom, out=np.full(len(draws), np.nan), where=bottom > 0)
    return values


def roc(scores: Values, present: NDArray[np.bool_]) -> tuple[Values, Values]:
    """False-positive and true-positive shares from the strictest threshold to the loosest; empty without both sides."""
    if not present.any() or present.all():
        return np.zeros(0), np.zeros(0)
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.diff(scores[order], append=-np.inf) < 0)
    hits, alarms = np.cumsum(present[order])[last], np.cumsum(~present[order])[last]
    return np.concatenate([[0.0], alarms / (~present).sum()]), np.concatenate([[0.0], hits / present.sum()])
