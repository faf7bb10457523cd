"""What the rows say: counts that add up, and percentiles of the raw values, never of buckets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from carpal.document import Document
from carpal_loadtests.answers import FAILED, Outcome
from carpal_loadtests.rows import Row

Count = Annotated[int, Field(ge=0)]


class Counts(Document):
    """Every request of the plan is in exactly one place: the class refuses counts that do not add up."""

    planned: Count
    unsent: Count = Field(description="not due when the run was stopped")
    offered: Count = Field(description="came due: answered + refused + shed + failed + dropped + open")
    answered: Count = Field(description="200 with a record of the right model and the right image")
    refused: Count = Field(default=0, description="bad inputs that were refused with 4xx, as they should be")
    shed: Count = Field(description="429 or 503 with Retry-After")
    failed: Count = Field(description="every other answer, timeouts, and no answer at all")
    dropped: Count = Field(description="not sent, because max_in_flight was reached")
    open: Count = Field(description="on the way when the run was stopped")
    failures: Mapping[str, Count] = Field(description="failed by class: rejected, broken, wrong, timeout, transport")
    codes: Mapping[str, Count] = Field(description="shed and failed by error code")
    statuses: Mapping[str, Count] = Field(description="sent and ended, by HTTP status; 0 is no answer")

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.planned != self.offered + self.unsent:
            raise ValueError("planned is not offered + unsent")
        if self.offered != self.answered + self.refused + self.shed + self.failed + self.dropped + self.open:
            raise ValueError("offered is not answered + refused + shed + failed + dropped + open")
        if self.failed != sum(self.failures.values()):
            raise ValueError("failed is not the sum of its classes")
        return self

    @classmethod
    def of(cls, rows: Sequence[Row], planned: int) -> Self:
        """Count rows of a plan."""
        outcomes = Counter(row.outcome for row in rows)
        failures = {outcome.value: outcomes[outcome] for outcome in Outcome if outcome in FAILED and outcomes[outcome]}
        return cls(
            planned=planned,
            unsent=planned - len(rows),
            offered=len(rows),
            answered=outcomes[Outcome.ANSWERED],
            refused=outcomes[Outcome.REFUSED],
            shed=outcomes[Outcome.SHED],
            failed=sum(failures.values()),
            dropped=outcomes[Outcome.DROPPED],
            open=outcomes[Outcome.OPEN],
            failures=failures,
            codes=dict(Counter(row.code for row in rows if row.code)),
            statuses=dict(Counter(str(row.status) for row in rows if row.end_s is not None)),
        )


class Percentiles(Document):
    """Milliseconds by nearest rank: each is a value that was measured."""

    count: Count
    mean_ms: float
    p50_ms: float
    p90_ms: float
    p95_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float

    @classmethod
    def of(cls, seconds: Iterable[float | None]) -> Self | None:
        """Percentiles of the values that are there; None of nothing."""
        values = np.array([value for value in seconds if value is not None]) * 1000
        if not len(values):
            return None
        ranks = np.quantile(values, (0.5, 0.9, 0.95, 0.99, 0.999, 1.0), method="inverted_cdf")
        p50, p90, p95, p99, p999, top = (round(float(rank), 3) for rank in ranks)
        return cls(
            count=len(values),
            mean_ms=round(float(values.mean()), 3),
            p50_ms=p50,
            p90_ms=p90,
            p95_ms=p95,
            p99_ms=p99,
            p999_ms=p999,
            max_ms=top,
        )


class Figures(Document):
    """The figures of one part of a run: the measurement, or its warm-up."""

    counts: Counts
    latency: Percentiles | None = Field(description="answered requests, from the INTENDED send time")
    service_time: Percentiles | None = Field(description="answered requests, from the true send time")
    shed_time: Percentiles | None = Field(description="shed requests, from the intended send time")
    lag: Percentiles | None = Field(description="how late requests were sent")
    span_s: float = Field(description="planned span, or the true one where the sending took longer")
    planned_rate_per_s: float
    offered_rate_per_s: float = Field(
        description="offered over the planned span, or over the true one where it took longer"
    )
    answered_rate_per_s: float = Field(description="answered over the same span")

    @classmethod
    def of(cls, rows: Sequence[Row], *, planned: int, from_s: float, span_s: float) -> Self:
        """Figures of the rows that were intended in [from_s, from_s + span_s).

        Args:
            rows: those rows.
            planned: how many the schedule has there.
            from_s: second at which the part begins.
            span_s: how long it was planned to take.
        """
        last_s = max((row.start_s for row in rows if row.start_s is not None), default=0.0)
        span = max(span_s, last_s - from_s)
        answered = [row for row in rows if row.outcome is Outcome.ANSWERED]
        return cls(
            counts=Counts.of(rows, planned),
            latency=Percentiles.of(row.latency_s for row in answered),
            service_time=Percentiles.of(row.service_s for row in answered),
            shed_time=Percentiles.of(row.latency_s for row in rows if row.outcome is Outcome.SHED),
            lag=Percentiles.of(row.lag_s for row in rows),
            span_s=span,
            planned_rate_per_s=planned / span_s,
            offered_rate_per_s=len(rows) / span,
            answered_rate_per_s=len(answered) / span,
        )
