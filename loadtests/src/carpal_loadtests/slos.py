"""What must hold: service levels, on which a run passes or fails, and conditions, without which it means nothing."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from carpal.document import Document

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Limit = Annotated[float, Field(gt=0, description="milliseconds, from the intended send time to the end of the answer")]
PERCENTILES = {"p50_ms": 0.50, "p75_ms": 0.75, "p90_ms": 0.90, "p95_ms": 0.95, "p99_ms": 0.99, "p999_ms": 0.999}


class Slos(Document):
    """What must hold for the verdict to be pass. Latencies are in ms from the INTENDED send time."""

    p50_ms: Limit | None = None
    p75_ms: Limit | None = None
    p90_ms: Limit | None = None
    p95_ms: Limit | None = None
    p99_ms: Limit | None = None
    p999_ms: Limit | None = None
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)] | None = Field(
        default=None,
        description="prove the percentiles at this confidence, 0.99 say; without it they are compared as measured",
    )
    error_share: Share = Field(
        default=0.0, description="most failed, dropped and unanswered requests, share of those offered"
    )
    shed_share: Share = Field(
        default=0.0, description="most requests refused with 429 or 503 and Retry-After, share of those offered"
    )
    goodput_ms: Limit | None = Field(default=None, description="an answer within it is a good one, for the next three")
    goodput_per_s: Annotated[float, Field(gt=0)] | None = Field(default=None, description="least good answers a second")
    goodput_share: Share | None = Field(default=None, description="least good answers, share of the requests offered")
    recovery_s: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="most seconds after the peak until 90 % of each second's requests are good again"
    )
    memory_mib_per_h: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="most growth of the target's resident memory, proved over the second half of the run"
    )

    def latencies(self) -> tuple[tuple[str, float, float], ...]:
        """The latency objectives that are set: (name, share of requests that must keep it, limit in ms)."""
        limits = ((name, share, getattr(self, name)) for name, share in PERCENTILES.items())
        return tuple((name, share, limit) for name, share, limit in limits if limit is not None)

    @model_validator(mode="after")
    def _good_is_said(self) -> Self:
        wanting = [name for name in ("goodput_per_s", "goodput_share", "recovery_s") if getattr(self, name) is not None]
        if wanting and self.goodput_ms is None:
            raise ValueError(f"{wanting[0]} needs goodput_ms, which says what a good answer is")
        return self


class Validity(Document):
    """What must hold for the measurement to mean anything; otherwise the verdict is invalid, neither pass nor fail."""

    offered_share: Share = Field(default=0.999, description="least offered rate, as a share of the planned rate")
    lag_p99_ms: Limit = Field(
        default=50.0, description="most that the generator may be late, to send and in between, p99"
    )
    generator_cpu: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.9, description="most of one core that a process of the generator may use"
    )
    drift_share: Annotated[float, Field(gt=0)] | None = Field(
        default=0.5,
        description="a significant trend of the latency over the run may change it by this share of its median; "
        "judged where one rate is held for 30 s or longer; null: never",
    )
