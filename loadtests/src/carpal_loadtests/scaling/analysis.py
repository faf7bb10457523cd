"""What the points come to: the laws, the choice, the limits, and predictions that say how far they reach."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from carpal.document import Document
from carpal_loadtests.errors import ExtrapolationError
from carpal_loadtests.scaling.fits import Choice, choose, interval, resample
from carpal_loadtests.scaling.laws import NAMES, Coefficients, Name
from carpal_loadtests.scaling.points import Point

FARTHEST = 2.0
"""Predictions beyond this multiple of the largest measured N are refused unless they are asked for by name."""
RESAMPLES = 500
LEVEL = 0.95


class Interval(Document):
    """The middle 95 % of the resamples; None where it is without end."""

    low: float | None
    high: float | None


class Estimate(Document):
    """A number and how sure it is; None where there is no such number, a peak of a straight line for example."""

    value: float | None
    interval: Interval


class LawFit(Document):
    """One law at its best."""

    law: Name
    lambda_per_s: Estimate = Field(description="throughput of one replica, requests a second")
    sigma: Estimate = Field(description="share of work done one after the other; 0 where the law has none")
    kappa: Estimate = Field(description="cost of agreement between replicas; 0 where the law has none")
    aic: float = Field(description="Akaike's criterion; less is better")
    weight: float = Field(description="how probable the law is among the three (Akaike weight)")
    chosen_share: float = Field(description="share of the resamples in which this law was best")
    error_share: float = Field(description="root mean square of the residuals over the mean throughput")


class Prediction(Document):
    """Throughput of N replicas by the best law."""

    replicas: int
    throughput_per_s: float
    interval: Interval
    efficiency: float = Field(description="X(N) over N times the throughput of one replica by the same law")
    reach: Literal["inside", "beyond", "far beyond"] = Field(
        description="inside what was measured, up to twice the largest N, or beyond that: the law may not hold there"
    )


class Scaling(Document):
    """How throughput grows with replicas."""

    schema_: Literal["carpal.scaling/v1"] = Field(default="carpal.scaling/v1", alias="schema")
    points: tuple[Point, ...]
    emulated: bool | None = Field(description="true where any point came from an emulated engine; None where unknown")
    note: str = Field(default="", description="the conditions, in the words of who measured")
    best: Name
    laws: tuple[LawFit, ...]
    peak_replicas: Estimate = Field(description="N*, from where on more replicas answer less; None where there is none")
    limit_per_s: Estimate = Field(description="what no number of replicas exceeds by the law; None where there is none")
    peak_reach: float | None = Field(
        description="N* over the largest measured N; above 2 it is the law's word, not a measurement"
    )
    predictions: tuple[Prediction, ...] = Field(description="at each measured N, and at those asked for")
    level: float = Field(description="of the intervals")
    resamples: Annotated[int, Field(ge=0)]
    seed: int

    @property
    def law(self) -> LawFit:
        """The best law."""
        return next(one for one in self.laws if one.law == self.best)

    @property
    def coefficients(self) -> Coefficients:
        """Of the best law."""
        law = self.law
        return Coefficients(law.lambda_per_s.value or 0.0, law.sigma.value or 0.0, law.kappa.value or 0.0)


def analyse(
    points: Sequence[Point],
    *,
    predict: Sequence[int] = (),
    far: bool = False,
    note: str = "",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Scaling:
    """Fit, choose and predict.

    Args:
        points: at least what ``read_points`` asks for.
        predict: further numbers of replicas.
        far: predict beyond twice the largest measured number, too.
        note: conditions of the measurement.
        resamples: of the bootstrap.
        seed: of the bootstrap.

    Raises:
        ExtrapolationError: a prediction beyond twice the largest number, without ``far``.
    """
    replicas = np.array([point.replicas for point in points], dtype=float)
    throughput = np.array([point.throughput_per_s for point in points])
    largest = int(replicas.max())
    _refuse_far(predict, largest, far)
    choice = choose(replicas, throughput)
    again = resample(choice, replicas, count=resamples, seed=seed)
    best = choice.fits[choice.best].coefficients
    others = [one.fits[choice.best].coefficients for one in again]
    wanted = sorted({*(int(one) for one in replicas), *predict})
    known = {point.emulated for point in points} - {None}
    return Scaling(
        points=tuple(points),
        emulated=any(known) if known else None,
        note=note,
        best=choice.best,
        laws=tuple(_law(law, choice, again, throughput) for law in NAMES),
        peak_replicas=_estimate(best.peak_replicas, [one.peak_replicas for one in others]),
        limit_per_s=_estimate(best.limit_per_s, [one.limit_per_s for one in others]),
        peak_reach=best.peak_replicas / largest if isfinite(best.peak_replicas) else None,
        predictions=tuple(_prediction(count, best, others, largest) for count in wanted),
        level=LEVEL,
        resamples=resamples,
        seed=seed,
    )


def reach(replicas: float, largest: int) -> Literal["inside", "beyond", "far beyond"]:
    """Where a number of replicas lies by what was measured."""
    if replicas <= largest:
        return "inside"
    return "beyond" if replicas <= FARTHEST * largest else "far beyond"


def _refuse_far(predict: Sequence[int], largest: int, far: bool) -> None:
    for count in predict:
        if reach(count, largest) == "far beyond" and not far:
            raise ExtrapolationError(
                f"{count} replicas are {count / largest:.3g} times the {largest} that were measured",
                f"A law that fits up to {largest} says little beyond {FARTHEST:g} times that: "
                "the next thing that breaks is not in the points.",
                "Measure more replicas, or ask for it by --extrapolate; it is then marked as far beyond.",
            )


def _prediction(count: int, best: Coefficients, others: Sequence[Coefficients], largest: int) -> Prediction:
    return Prediction(
        replicas=count,
        throughput_per_s=best.throughput(count),
        interval=_interval([one.throughput(count) for one in others]),
        efficiency=best.efficiency(count),
        reach=reach(count, largest),
    )


def _law(
    law: Name, choice: Choice, again: Sequence[Choice], throughput: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> LawFit:
    one = choice.fits[law]
    lambdas, sigmas, kappas = (
        zip(*(other.fits[law].coefficients.tuple for other in again), strict=True) if again else ((),) * 3
    )
    residuals = np.array(one.residuals_per_s)
    return LawFit(
        law=law,
        lambda_per_s=_estimate(one.coefficients.lambda_per_s, list(lambdas)),
        sigma=_estimate(one.coefficients.sigma, list(sigmas)),
        kappa=_estimate(one.coefficients.kappa, list(kappas)),
        aic=one.aic,
        weight=choice.weights[law],
        chosen_share=sum(other.best == law for other in again) / len(again) if again else 0.0,
        error_share=float(np.sqrt(np.mean(residuals**2)) / throughput.mean()),
    )


def _estimate(value: float, others: list[float]) -> Estimate:
    return Estimate(value=value if isfinite(value) else None, interval=_interval(others))


def _interval(others: list[float]) -> Interval:
    if not others:
        return Interval(low=None, high=None)
    low, high = interval(others, LEVEL)
    return Interval(low=low if isfinite(low) else None, high=high if isfinite(high) else None)
