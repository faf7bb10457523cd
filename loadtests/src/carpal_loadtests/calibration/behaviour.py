"""What a server of known truth is told to do, and what it says that it did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, JsonValue

from carpal.document import Document
from carpal.records.record import Model, Quality, Record, Source, Timings

DIGEST = "sha256:" + "0" * 64
# More requests than this take the service times from the beginning again.
DRAWN = 65_536

Answer = Literal[
    "garbage",
    "empty",
    "other-model",
    "other-image",
    "shed",
    "draining",
    "bare-429",
    "bad-request",
    "broken",
    "cut",
    "hang",
]


class Behaviour(Document):
    """What the server does; the numbers of requests are those at the end of their ``X-Request-Id``, counted from 0.

    A request without one stalls, and is kept, by its place in the order of arrival.
    """

    model: str = Field(default="known", description="that it serves")
    package: str | None = Field(default=None, description="name in its records; null: the model's")
    digest: str | None = Field(default=None, description="of the package, in its metadata")
    models: JsonValue = Field(default=None, description="the list of models that it gives; null: its only one")
    ready: bool = True
    service_ms: Annotated[float, Field(ge=0)] = Field(default=0.0, description="median of the service times")
    spread: Annotated[float, Field(ge=0)] = Field(
        default=0.0, description="standard deviation of the logarithm of the service times, which are lognormal"
    )
    seed: Annotated[int, Field(ge=0)] = Field(default=0, description="of the service times")
    answers: Mapping[Answer, tuple[int, ...]] = Field(
        default={}, description="requests that get something else than a true record: cut ends the connection"
    )
    stall_at: int | None = Field(default=None, description="request on whose arrival everything stands still")
    stall_s: Annotated[float, Field(ge=0)] = 0.0
    leak_bytes: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="kept for good at every request; GET /metrics is there where this is set"
    )

    def service_s(self) -> NDArray[np.float64]:
        """How long each request is kept, by its number modulo ``DRAWN``."""
        normal = np.random.default_rng(self.seed).normal(0.0, self.spread, DRAWN)
        return np.asarray(self.service_ms / 1000 * np.exp(normal))


class Seen(Document):
    """What the server did, one entry a request in each field, in order of arrival. Times are those of the machine's
    monotonic clock, which all its processes share, in seconds."""

    index: Sequence[int] = Field(description="number of the request; -1 where it had none")
    at_s: Sequence[float] = Field(description="when its last byte had been read")
    sent_s: Sequence[float] = Field(description="when its answer was handed to the kernel; 0 where it was not")
    bytes: Sequence[int] = Field(description="size of its body")
    media_type: Sequence[str]
    answer: Sequence[str] = Field(description="record, or another of the behaviour's answers")
    cpu_s: float = Field(description="CPU time of the server since it began")
    pause_p99_ms: float = Field(
        default=0.0, description="how late it was at moments that no request sets: what came meanwhile was not yet seen"
    )


def known_model(name: str, *, emulated: bool = True) -> Model:
    """The model that a record of a server of known truth names."""
    return Model(
        name=name,
        version="1",
        digest=DIGEST,
        variant="model.onnx",
        engine="known",
        engine_version="1",
        precision="float32",
        emulated=emulated,
    )


def record_of(model: str, digest: str = DIGEST) -> bytes:
    """A true record of an image of that digest, in which nothing was found."""
    return Record(
        id="known",
        source=Source(digest=digest, media_type="image/png", width_px=1, height_px=1, bits=8),
        quality=Quality(sharpness=0, noise=0, clipped_share=0, padded_share=0, exposure=0),
        findings=(),
        conclusions=(),
        model=known_model(model),
        preprocessing_digest=DIGEST,
        timings=Timings(),
    ).to_json()
