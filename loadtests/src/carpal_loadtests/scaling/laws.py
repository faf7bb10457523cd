"""Three laws of scaling, each a special case of the next: linear, Amdahl's, and the Universal Scalability Law.

X(N) = lambda N / (1 + sigma (N - 1) + kappa N (N - 1))

lambda is the throughput of one replica, sigma the share of work that replicas must do one after the other, kappa the
cost of their agreeing with one another. Linear has sigma = kappa = 0, Amdahl kappa = 0
(Gunther, Guerrilla Capacity Planning, Springer 2007, chapters 4 to 6; Amdahl, AFIPS 1967).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Name = Literal["linear", "amdahl", "usl"]
NAMES: tuple[Name, ...] = ("linear", "amdahl", "usl")
PARAMETERS: dict[Name, int] = {"linear": 1, "amdahl": 2, "usl": 3}
"""How many numbers a law is free to choose: (lambda), (lambda, sigma), (lambda, sigma, kappa)."""


@dataclass(frozen=True)
class Coefficients:
    """The numbers of one law; what it has not is 0."""

    lambda_per_s: float
    sigma: float = 0.0
    kappa: float = 0.0

    def throughput(self, replicas: float) -> float:
        """X(N) in requests a second."""
        return float(curve(np.array([replicas], dtype=float), *self.tuple)[0])

    @property
    def tuple(self) -> tuple[float, float, float]:
        """(lambda, sigma, kappa)."""
        return self.lambda_per_s, self.sigma, self.kappa

    @property
    def peak_replicas(self) -> float:
        """N* = sqrt((1 - sigma) / kappa), from where on more replicas answer less; infinite where kappa is 0."""
        if self.kappa <= 0:
            return inf
        return max(sqrt(max(1 - self.sigma, 0.0) / self.kappa), 1.0)

    @property
    def limit_per_s(self) -> float:
        """The throughput that no number of replicas exceeds: X(N*), lambda / sigma, or infinite."""
        if self.kappa > 0:
            return self.throughput(self.peak_replicas)
        return self.lambda_per_s / self.sigma if self.sigma > 0 else inf

    def efficiency(self, replicas: float) -> float:
        """X(N) / (N lambda): the share of N lone replicas' throughput that is there."""
        return self.throughput(replicas) / (replicas * self.lambda_per_s)


def curve(
    replicas: NDArray[np.float64], lambda_per_s: float, sigma: float = 0.0, kappa: float = 0.0
) -> NDArray[np.float64]:
    """X(N) for many N."""
    return lambda_per_s * replicas / _denominator(replicas, sigma, kappa)


def slopes(
    replicas: NDArray[np.float64], lambda_per_s: float, sigma: float = 0.0, kappa: float = 0.0
) -> NDArray[np.float64]:
    """dX/d(lambda, sigma, kappa), one column each; a fit of a simpler law uses the first columns."""
    below = _denominator(replicas, sigma, kappa)
    by_lambda = replicas / below
    outer = -lambda_per_s * replicas / below**2
    return np.stack([by_lambda, outer * (replicas - 1), outer * replicas * (replicas - 1)], axis=1)


def _denominator(replicas: NDArray[np.float64], sigma: float, kappa: float) -> NDArray[np.float64]:
    return 1 + sigma * (replicas - 1) + kappa * replicas * (replicas - 1)
