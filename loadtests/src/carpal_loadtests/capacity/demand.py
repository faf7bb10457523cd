"""What is asked of the service, and what one request costs it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field

from carpal.document import Document
from carpal_loadtests.answers import Outcome
from carpal_loadtests.errors import ServiceTimesError
from carpal_loadtests.result import read_result, without_warmup

QUANTILES = 1000
LEAST_ROWS = 30
Positive = Annotated[float, Field(gt=0)]


class ServiceTimes(Document):
    """How long one request takes a slot, as quantiles of equal weight."""

    mean_s: Positive
    scv: Annotated[float, Field(ge=0)] = Field(description="variance over the squared mean: 0 constant, 1 exponential")
    quantiles_s: tuple[Positive, ...] = Field(description="ascending, each standing for an equal share of the requests")
    source: str = Field(description="the result folder they were measured in, or what was typed")
    emulated: bool | None = Field(default=None, description="whether the engine slept instead of computing")

    @classmethod
    def of(cls, seconds: Sequence[float], *, source: str, emulated: bool | None = None) -> Self:
        """Of measured times."""
        values = np.asarray(seconds, dtype=float)
        shares = (np.arange(QUANTILES) + 0.5) / QUANTILES
        quantiles = tuple(map(float, np.quantile(values, shares, method="inverted_cdf")))
        scv = float(values.var() / values.mean() ** 2)
        return cls(mean_s=float(values.mean()), scv=scv, quantiles_s=quantiles, source=source, emulated=emulated)

    @classmethod
    def typed(cls, mean_s: float, cv: float) -> Self:
        """Of a mean and a coefficient of variation: a gamma distribution, or a constant."""
        source = f"{mean_s * 1000:g} ms with a coefficient of variation of {cv:g}, as typed"
        if cv == 0:
            return cls(mean_s=mean_s, scv=0.0, quantiles_s=(mean_s,), source=source)
        from scipy.stats import gamma

        shares = (np.arange(QUANTILES) + 0.5) / QUANTILES
        quantiles = tuple(max(float(at), 1e-9) for at in gamma.ppf(shares, 1 / cv**2, scale=mean_s * cv**2))
        return cls(mean_s=mean_s, scv=cv**2, quantiles_s=quantiles, source=source)

    def scaled(self, factor: float) -> Self:
        """The same distribution, every time ``factor`` times as long."""
        quantiles = tuple(at * factor for at in self.quantiles_s)
        return self.model_copy(update={"mean_s": self.mean_s * factor, "quantiles_s": quantiles})


def measured_service(folder: Path) -> ServiceTimes:
    """Service times of a run: of answered requests, from the true send time, without the warm-up.

    The run must have been so light that requests did not wait for one another inside the service; a queue there counts
    as service here, and the plan then asks for too much.

    Raises:
        ServiceTimesError: the folder holds no result, or too few answers.
    """
    result, rows = read_result(folder, ServiceTimesError, "Name the folder of a carpal load run, or give --service-ms.")
    answered = (row for row in without_warmup(result, rows) if row.outcome is Outcome.ANSWERED)
    seconds = [row.service_s for row in answered if row.service_s is not None]
    if len(seconds) < LEAST_ROWS:
        raise ServiceTimesError(
            f"{folder} has {len(seconds)} answered requests after its warm-up",
            f"Fewer than {LEAST_ROWS} say too little of a distribution.",
            "Run longer, or give --service-ms and --service-cv.",
        )
    return ServiceTimes.of(seconds, source=str(folder), emulated=result.emulated)


class Spike(Document):
    """A sudden rise that lasts until more replicas are there."""

    rate_per_s: Positive
    detection_s: Annotated[float, Field(ge=0)] = Field(description="from the rise to the decision for more replicas")
    startup_s: Annotated[float, Field(ge=0)] = Field(description="from the decision to the first answer of a new one")

    @property
    def exposed_s(self) -> float:
        """How long the replicas that are there are alone with it."""
        return self.detection_s + self.startup_s


class Demand(Document):
    """A rate, an objective, and the conditions under which it must be met."""

    rate_per_s: Positive
    service: ServiceTimes
    slots: Annotated[int, Field(ge=1)] = Field(default=1, description="requests that one replica serves at once")
    places: Annotated[int, Field(ge=0)] = Field(default=16, description="requests that may wait in one replica")
    share: Annotated[float, Field(gt=0, lt=1)] = Field(default=0.99, description="of requests that must be in time")
    limit_s: Positive = Field(description="in time: from send to answer")
    refused_share: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.001, description="most that may be shed in steady state"
    )
    most_busy: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.8, description="most of their time that replicas may work; the rest is for what a model leaves out"
    )
    balancing: Literal["random", "shared"] = Field(
        default="random",
        description="random: each replica has its own queue and gets its share by chance, as behind a Kubernetes "
        "Service; shared: no request waits while any slot is free, as behind a balancer that knows them",
    )
    spare: Annotated[int, Field(ge=0)] = Field(default=1, description="replicas that may be lost without missing it")
    spike: Spike | None = None
    price_per_hour: Annotated[float, Field(ge=0)] | None = Field(default=None, description="of one replica")
    currency: str = "USD"
