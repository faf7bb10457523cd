"""From the probability that the network gives to the share of such findings that were right on validation images."""

from __future__ import annotations

import math

import numpy as np

from carpal.packages.manifest import Calibration


def calibrate(probability: float, calibration: Calibration) -> float:
    """The calibrated probability, 0..1; it never falls where the probability rises.

    A temperature t divides the logit: sigmoid(logit(p) / t). Knots are joined by straight lines.
    """
    if calibration.temperature is not None:
        inside = min(max(probability, 1e-6), 1.0 - 1e-6)
        return 1.0 / (1.0 + math.exp(-math.log(inside / (1.0 - inside)) / calibration.temperature))
    places, values = zip(*calibration.knots, strict=True)
    return float(np.interp(probability, places, values))
