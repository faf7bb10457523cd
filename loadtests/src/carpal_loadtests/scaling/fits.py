"""Fits of the three laws to measured points, with intervals and with a choice between them.

Least squares of X with lambda, sigma and kappa >= 0 (scipy's trust region). Intervals are percentiles of a bootstrap of
the residuals (Efron and Tibshirani 1993, section 9.4): the numbers of replicas are chosen by the experimenter, so they
stay. The choice is Akaike's criterion, n ln(RSS / n) + 2 (k + 1), k free numbers and the variance.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf, log

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from carpal_loadtests.scaling.laws import NAMES, PARAMETERS, Coefficients, Name, curve, slopes

Array = NDArray[np.float64]
EXACT = 1e-12
"""Residuals below this share of the largest throughput are rounding, not information."""


@dataclass(frozen=True)
class Fit:
    """One law as it fits best."""

    law: Name
    coefficients: Coefficients
    residuals_per_s: tuple[float, ...]
    """Measured less fitted, in the order of the points."""
    aic: float


@dataclass(frozen=True)
class Choice:
    """All laws with the chances of each."""

    fits: dict[Name, Fit]
    best: Name
    weights: dict[Name, float]
    """Akaike weights: how probable each law is among the three, given the points."""


def fit(law: Name, replicas: Array, throughput_per_s: Array, start: Coefficients | None = None) -> Fit:
    """The law that leaves the smallest sum of squares.

    Args:
        law: which one.
        replicas: N of each point.
        throughput_per_s: X of each point.
        start: where to begin; guessed where it is left out.
    """
    free = PARAMETERS[law]
    largest = float(throughput_per_s.max())
    if law == "linear":  # has a closed form
        slope = float(replicas @ throughput_per_s / (replicas @ replicas))
        rest = throughput_per_s - slope * replicas
        return Fit(law, Coefficients(slope), tuple(map(float, rest)), _aic(rest, free, largest))
    alone = float(np.median(throughput_per_s[replicas == replicas.min()] / replicas.min()))
    top = float(replicas.max())
    guesses = [(alone, 0.01, 0.001 / top), (alone, 0.2, 1 / top**2)] if start is None else [start.tuple]
    scale = np.array([alone, 0.1, 0.1 / top])[:free]
    solutions = [
        least_squares(
            lambda chosen: curve(replicas, *chosen) - throughput_per_s,
            np.array(guess)[:free] + 1e-9 * scale,
            jac=lambda chosen: slopes(replicas, *chosen)[:, :free],
            bounds=(0.0, inf),
            x_scale=scale,
            xtol=1e-10,
            ftol=1e-10,
            gtol=1e-10,
        )
        for guess in guesses
    ]
    best = min(solutions, key=lambda solution: float(solution.cost))
    coefficients = Coefficients(*(float(value) if value > 1e-10 else 0.0 for value in best.x))
    residuals = throughput_per_s - curve(replicas, *coefficients.tuple)
    return Fit(law, coefficients, tuple(map(float, residuals)), _aic(residuals, free, largest))


def choose(replicas: Array, throughput_per_s: Array, starts: dict[Name, Coefficients] | None = None) -> Choice:
    """Fit every law and weigh them; of equals the simplest is best."""
    fits = {law: fit(law, replicas, throughput_per_s, starts[law] if starts else None) for law in NAMES}
    least = min(one.aic for one in fits.values())
    relative = {law: exp(-(one.aic - least) / 2) for law, one in fits.items()}
    total = sum(relative.values())
    best = min(NAMES, key=lambda law: (round(fits[law].aic, 9), PARAMETERS[law]))
    return Choice(fits, best, {law: value / total for law, value in relative.items()})


def resample(choice: Choice, replicas: Array, *, count: int, seed: int) -> list[Choice]:
    """Fits of points that could as well have been measured.

    Args:
        choice: the fits of the measured points; residuals are those of the best law.
        replicas: N of each point.
        count: how many.
        seed: of the draws; the same seed, the same resamples.
    """
    best = choice.fits[choice.best]
    rng = np.random.default_rng([seed, 2])
    residuals = np.array(best.residuals_per_s)
    points = len(residuals)
    # Fitted residuals are smaller than the errors by the numbers that were chosen.
    widened = (residuals - residuals.mean()) * (points / max(points - PARAMETERS[best.law], 1)) ** 0.5
    fitted = curve(replicas, *best.coefficients.tuple)
    starts = {law: one.coefficients for law, one in choice.fits.items()}
    drawn = (fitted + widened[rng.integers(0, points, points)] for _ in range(count))
    return [choose(replicas, np.maximum(sample, 1e-9 * fitted.max()), starts) for sample in drawn]


def interval(values: list[float], level: float = 0.95) -> tuple[float, float]:
    """The middle ``level`` of values; infinite ones are the largest."""
    ordered = sorted(values)
    tail = (1 - level) / 2
    last = len(ordered) - 1
    return ordered[round(tail * last)], ordered[round((1 - tail) * last)]


def _aic(residuals: Array, free: int, largest: float) -> float:
    points = len(residuals)
    squares = max(float(residuals @ residuals), points * (EXACT * largest) ** 2)
    return points * log(squares / points) + 2 * (free + 1)
