"""Calibration: of the findings that are given a probability of 0.8, are 8 in 10 right?

Right means that the box takes an instance of its class at IoU 0.5. Looked at are findings from the floor on that the
served path keeps. A class is calibrated by one temperature on the logit (Guo et al., ICML 2017) where it has few
findings, and by isotonic regression (Zadrozny and Elkan, KDD 2002) where it has enough to fit a curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from sklearn.isotonic import IsotonicRegression

from carpal.detection.calibration import calibrate
from carpal.document import Document
from carpal.packages.manifest import Calibration
from carpal.records.record import Probability
from carpal_training.evaluation.metrics import Ranked

Count = Annotated[int, Field(ge=0)]
Values = NDArray[np.float64]
BINS = 10
LOWEST = 0.05
"""Findings below are never served; ``NmsDefaults.floor``."""
TEMPERATURES = np.exp(np.linspace(-2.5, 2.5, 501))
ENOUGH_FOR_A_CURVE, ENOUGH = 200, 20
"""Right and wrong findings that a curve, or one temperature, is fitted to at least."""


class Bin(Document):
    """Findings with about the same probability."""

    findings: Count
    probability: Probability = Field(description="mean")
    right: Probability = Field(description="share that takes an instance at IoU 0.5")


class CalibrationFigures(Document):
    """How far probabilities are from what they say, as the network gives them and as calibrated."""

    method: str = Field(description="temperature, isotonic or none: what the package calibrates the class by")
    findings: Count
    ece: Probability | None = Field(description="expected calibration error over ten bins; null without findings")
    ece_calibrated: Probability | None = Field(description="null where the package does not calibrate the class")
    bins: tuple[Bin, ...] = Field(description="as the network gives them")
    bins_calibrated: tuple[Bin, ...]


def fit(ranked: Ranked) -> Calibration | None:
    """The calibration of one class from validation findings; None where there are too few of them."""
    probabilities, right = _looked_at(ranked)
    fewest = min(int(right.sum()), int((~right).sum()))
    if fewest < ENOUGH:
        return None
    if fewest >= ENOUGH_FOR_A_CURVE:
        curve = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(probabilities, right)
        knots = tuple(zip(curve.X_thresholds_.tolist(), curve.y_thresholds_.tolist(), strict=True))
        return Calibration(method="isotonic", knots=knots)
    logits = np.log(probabilities / (1.0 - probabilities))

    losses = [np.logaddexp(0.0, np.where(right, -logits, logits) / each).mean() for each in TEMPERATURES]
    return Calibration(method="temperature", temperature=float(TEMPERATURES[int(np.argmin(losses))]))


def fit_classes(ranked: Sequence[Ranked], classes: Sequence[str]) -> dict[str, Calibration]:
    """The calibrations of all classes that have enough findings."""
    fitted = {name: fit(one) for name, one in zip(classes, ranked, strict=True)}
    return {name: one for name, one in fitted.items() if one is not None}


def measure(ranked: Ranked, calibration: Calibration | None) -> CalibrationFigures:
    """The calibration error of one class, before and after."""
    probabilities, right = _looked_at(ranked)
    after = np.array([calibrate(one, calibration) for one in probabilities]) if calibration else None
    bins = _bins(probabilities, right)
    calibrated = () if after is None else _bins(after, right)
    return CalibrationFigures(
        method=calibration.method if calibration else "none",
        findings=len(right),
        ece=_error(bins),
        ece_calibrated=_error(calibrated),
        bins=bins,
        bins_calibrated=calibrated,
    )


def _looked_at(ranked: Ranked) -> tuple[Values, NDArray[np.bool_]]:
    chosen = ranked.probabilities >= LOWEST
    return np.clip(ranked.probabilities[chosen], 1e-6, 1 - 1e-6), ranked.hits[0][chosen]


def _bins(probabilities: Values, right: NDArray[np.bool_]) -> tuple[Bin, ...]:
    places = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    return tuple(
        Bin(findings=int(own.sum()), probability=float(probabilities[own].mean()), right=float(right[own].mean()))
        for place in range(BINS)
        if (own := places == place).any()
    )


def _error(bins: tuple[Bin, ...]) -> float | None:
    total = sum(one.findings for one in bins)
    return sum(one.findings * abs(one.probability - one.right) for one in bins) / total if total else None
