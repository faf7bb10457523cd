"""Two models on the same images: the difference, its interval, and a paired test.

The interval draws patients, the same for both. The test swaps the two models' results patient by patient at random
(Fisher's randomisation test): if it does not matter which of them spoke, the difference that was seen is one of many
like it. The unit is the patient, because images of one patient resemble one another.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from carpal.document import Document
from carpal.records.record import Probability
from carpal_training.evaluation.bootstrap import Draws, Matched, average_precision, draw_patients, match_class
from carpal_training.evaluation.cases import Cases, owners_of
from carpal_training.evaluation.findings import Findings
from carpal_training.evaluation.rates import Values, auc
from carpal_training.evaluation.reading import Interval, interval

Count = Annotated[int, Field(ge=0)]


class Difference(Document):
    """A figure of both models, and the second's less the first's."""

    first: float | None
    second: float | None
    difference: Interval
    p: Probability | None = Field(description="two-sided, of the randomisation test; null where nothing is defined")


class Comparison(Document):
    """comparison.json."""

    schema_: Literal["carpal.comparison/v1"] = Field(default="carpal.comparison/v1", alias="schema")
    first: str
    second: str
    images: Count
    patients: Count
    draws: Count = Field(description="of the bootstrap, and swaps of the test")
    seed: int
    ap50: dict[str, Difference] = Field(description="each class with an instance, and mean over them; empty: no boxes")
    auc: dict[str, Difference] = Field(description="each class, by image")
    command: str


def compare_aucs(first: Cases, second: Cases, *, draws: int, seed: int) -> dict[str, Difference]:
    """Differences of the image-level AUC; both have the same images in the same order."""
    drawn = draw_patients(first.patients, draws, seed)
    swaps = _swaps(first.patients, draws, seed)
    owners = np.concatenate([first.owners, first.owners + first.patients])
    found = {}
    for index, name in enumerate(first.classes):
        present = first.present[:, index]
        whole, spread = (
            [auc(one.scores[:, index], present, one.owners, weights) for one in (first, second)]
            for weights in (np.ones((1, first.patients), np.int64), drawn)
        )
        both = np.concatenate([first.scores[:, index], second.scores[:, index]])
        null = [auc(both, np.tile(present, 2), owners, side) for side in (swaps, 1 - swaps)]
        found[name] = _difference(float(whole[0][0]), float(whole[1][0]), spread[1] - spread[0], null[1] - null[0])
    return found


def compare_boxes(first: Findings, second: Findings, *, draws: int, seed: int) -> dict[str, Difference]:
    """Differences of AP50 for each class that the images have, and of their mean."""
    owners, patients = owners_of([sample.exam for sample in first.samples])
    once, drawn = np.ones((1, patients), np.int64), draw_patients(patients, draws, seed)
    swaps = _swaps(patients, draws, seed)
    wholes, spreads, nulls, names = [], [], [], []
    for index, name in enumerate(first.classes):
        matched = [match_class(one.found, one.truths, owners, index) for one in (first, second)]
        if not matched[0].instances.sum():
            continue
        both = _joined(matched[0], matched[1])
        names.append(name)
        wholes.append([float(average_precision(one, once)[0]) for one in matched])
        spreads.append([average_precision(one, drawn) for one in matched])
        nulls.append([average_precision(both, side) for side in (swaps, 1 - swaps)])
    found = {
        name: _difference(whole[0], whole[1], spread[1] - spread[0], null[1] - null[0])
        for name, whole, spread, null in zip(names, wholes, spreads, nulls, strict=True)
    }
    if names:
        means = np.mean(wholes, axis=0)
        spread, null = (np.nanmean([pair[1] - pair[0] for pair in pairs], axis=0) for pairs in (spreads, nulls))
        found["mean"] = _difference(float(means[0]), float(means[1]), spread, null)
    return found


def _swaps(patients: int, count: int, seed: int) -> Draws:
    """Weights of [first model's patients, second model's patients]: each patient is of one of the two, by chance."""
    chosen = np.random.default_rng([seed, 1]).integers(0, 2, (count, patients))
    return np.concatenate([chosen, 1 - chosen], axis=1)


def _joined(first: Matched, second: Matched) -> Matched:
    """Both models' detections as those of twice as many patients; ties between the models stay in their order."""
    patients = len(first.instances)
    order = np.argsort(-np.concatenate([first.probabilities, second.probabilities]), kind="stable")
    return Matched(
        np.concatenate([first.hits, second.hits], axis=1)[:, order],
        np.concatenate([first.owners, second.owners + patients])[order],
        np.concatenate([first.instances, second.instances]),
        np.concatenate([first.probabilities, second.probabilities])[order],
    )


def _difference(first: float, second: float, drawn: Values, null: NDArray[np.float64]) -> Difference:
    if np.isnan(first) or np.isnan(second):
        return Difference(first=None, second=None, difference=Interval(value=None), p=None)
    seen = second - first
    known = null[~np.isnan(null)]
    # The arrangement that was seen is one of those that chance gives, so p is never 0.
    p = float((1 + (np.abs(known) >= abs(seen) - 1e-12).sum()) / (1 + len(known)))
    return Difference(first=first, second=second, difference=interval(seen, drawn), p=p)
