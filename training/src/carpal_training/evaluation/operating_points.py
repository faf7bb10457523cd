"""Two thresholds a class: one that misses little, one that raises few false alarms. Measured per image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from carpal.detection.postprocess import Detections
from carpal.packages.manifest import OperatingPoint, OperatingPoints

WANTED = 0.95
LOWEST, HIGHEST = 0.05, 1.0  # thresholds stay in the range in which the served path looks at anchors at all


def image_probabilities(found: Sequence[Detections], index: int) -> NDArray[np.float64]:
    """The strongest probability of one class in each image, 0 where it was not found."""
    return np.array([detections.probabilities[detections.classes == index].max(initial=0.0) for detections in found])


def measure(probabilities: NDArray[np.float64], present: NDArray[np.bool_], threshold: float) -> OperatingPoint:
    """Sensitivity and specificity of "some box of the class at or above the threshold"; None where undefined."""
    reported = probabilities >= threshold
    return OperatingPoint(
        threshold=threshold,
        sensitivity=float(reported[present].mean()) if present.any() else None,
        specificity=float((~reported[~present]).mean()) if (~present).any() else None,
    )


def choose(probabilities: NDArray[np.float64], present: NDArray[np.bool_]) -> OperatingPoints:
    """The points of one class, from the validation images.

    Two thresholds are looked for: the highest at which sensitivity is at least 0.95 (where that is not reached, the
    lowest of all), and the lowest at which specificity is at least 0.95. The lower of the two is the high-sensitivity
    point, the other the high-specificity point. So each reaches what it is named after wherever that can be had, and a
    class that reaches both over a range of thresholds gets the ends of that range. Where the two are one threshold, the
    high-specificity point moves up to the best sum of sensitivity and specificity, so that "confirmed" says more.
    Without an image that has the class (or lacks it), 0.25 and 0.5: nothing can be measured.
    """
    lower, upper = 0.25, 0.5
    if present.any() and not present.all():
        lower, upper = sorted((_sensitive(probabilities[present]), _specific(probabilities[~present])))
        if lower == upper:
            upper = _best(probabilities, present, lower)
    return OperatingPoints(
        high_sensitivity=measure(probabilities, present, lower), high_specificity=measure(probabilities, present, upper)
    )


def _sensitive(positives: NDArray[np.float64]) -> float:
    needed = int(np.ceil(WANTED * len(positives) - 1e-9))
    threshold = np.sort(positives)[::-1][needed - 1]
    return _rounded(threshold, down=True)


def _specific(negatives: NDArray[np.float64]) -> float:
    allowed = int(np.floor((1.0 - WANTED) * len(negatives) + 1e-9))
    strongest_silenced = np.sort(negatives)[::-1][allowed] if allowed < len(negatives) else 0.0
    return _rounded(np.nextafter(strongest_silenced, 1.0), down=False)


def _best(probabilities: NDArray[np.float64], present: NDArray[np.bool_], lowest: float) -> float:
    """The threshold, not below the given one, with the best Youden index; the highest of several."""
    thresholds = [lowest, *np.unique(probabilities[probabilities > lowest]).tolist()]
    sums = [(probabilities[present] >= each).mean() + (probabilities[~present] < each).mean() for each in thresholds]
    return max(lowest, _rounded(thresholds[len(sums) - 1 - int(np.argmax(sums[::-1]))], down=True))


def _rounded(threshold: float, *, down: bool) -> float:
    """Four decimals, to the side that keeps what was reached, within the range that is served."""
    rounded = (np.floor if down else np.ceil)(threshold * 1e4) / 1e4
    return float(np.clip(rounded, LOWEST, HIGHEST))
