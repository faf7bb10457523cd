"""When each request is sent: a schedule that is computed before the run and owes nothing to the answers."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sin
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from carpal.document import Document
from carpal_loadtests.intensity import Intensity, Piece, Times
from carpal_loadtests.rows import TIME_DIGITS
from carpal_loadtests.trace import read_trace

Rate = Annotated[float, Field(gt=0, le=100_000, description="requests a second")]
Level = Annotated[float, Field(ge=0, le=100_000, description="requests a second; 0 is a pause")]
Seconds = Annotated[float, Field(gt=0, le=7 * 24 * 3600, description="seconds of measurement, after the warm-up")]
Spacing = Annotated[
    Literal["even", "poisson"], Field(description="gaps as the rate says, or drawn as those of independent users")
]
# Straight pieces to a period: the sine is met within 0.005 % of its amplitude.
SINE_PIECES = 256


class Steady(Document):
    """One rate from beginning to end."""

    rate_per_s: Rate
    duration_s: Seconds

    def pieces(self) -> tuple[Piece, ...]:
        """The rate over the measurement."""
        return (Piece(self.duration_s, self.rate_per_s, self.rate_per_s),)

    @property
    def said(self) -> str:
        """The shape in a few words."""
        return f"{self.rate_per_s:g}/s"


class Constant(Steady):
    """Requests at equal gaps: the k-th is sent at k / rate."""

    kind: Literal["constant"] = "constant"

    @property
    def spacing(self) -> Spacing:
        """Equal gaps."""
        return "even"


class Poisson(Steady):
    """Independent users: exponential gaps, so the number of requests in any second has a Poisson distribution."""

    kind: Literal["poisson"] = "poisson"

    @property
    def spacing(self) -> Spacing:
        """Exponential gaps."""
        return "poisson"


class Soak(Steady):
    """A Poisson process at one rate for long enough to see a leak; the slopes are judged from the middle of the run."""

    kind: Literal["soak"] = "soak"
    duration_s: Annotated[float, Field(ge=60, le=7 * 24 * 3600, description="seconds of measurement, hours rather")]

    @property
    def spacing(self) -> Spacing:
        """Exponential gaps."""
        return "poisson"


class Ramp(Document):
    """A rate that goes from one value to another in a straight line."""

    kind: Literal["ramp"] = "ramp"
    from_per_s: Level
    to_per_s: Level
    duration_s: Seconds
    spacing: Spacing = "poisson"

    def pieces(self) -> tuple[Piece, ...]:
        """The rate over the measurement."""
        return (Piece(self.duration_s, self.from_per_s, self.to_per_s),)

    @property
    def said(self) -> str:
        """The shape in a few words."""
        return f"{self.from_per_s:g}/s to {self.to_per_s:g}/s"


class Step(Document):
    """A staircase of equal steps, the first and the last rate included: shows where a service begins to fall behind."""

    kind: Literal["step"] = "step"
    from_per_s: Level
    to_per_s: Level
    steps: Annotated[int, Field(ge=2, le=1000)] = Field(description="rates, the first and the last included")
    step_s: Seconds = Field(description="how long each rate is held")
    spacing: Spacing = "poisson"

    @property
    def duration_s(self) -> float:
        """All steps together."""
        return self.steps * self.step_s

    def pieces(self) -> tuple[Piece, ...]:
        """The rate over the measurement."""
        rise = (self.to_per_s - self.from_per_s) / (self.steps - 1)
        levels = (self.from_per_s + rise * number for number in range(self.steps))
        return tuple(Piece(self.step_s, level, level) for level in levels)

    @property
    def said(self) -> str:
        """The shape in a few words."""
        return f"{self.from_per_s:g}/s to {self.to_per_s:g}/s in {self.steps} steps"


class Spike(Document):
    """A rate that jumps at once, holds, and jumps back: what autoscalers come too late for."""

    kind: Literal["spike"] = "spike"
    rate_per_s: Rate = Field(description="before and after the spike")
    peak_per_s: Rate = Field(description="in the spike")
    before_s: Seconds = Field(description="before the spike")
    spike_s: Seconds = Field(description="of the spike")
    after_s: Seconds = Field(description="after the spike, in which a service recovers")
    spacing: Spacing = "poisson"

    @property
    def duration_s(self) -> float:
        """Before, spike and after."""
        return self.before_s + self.spike_s + self.after_s

    def pieces(self) -> tuple[Piece, ...]:
        """The rate over the measurement."""
        parts = ((self.before_s, self.rate_per_s), (self.spike_s, self.peak_per_s), (self.after_s, self.rate_per_s))
        return tuple(Piece(duration_s, level, level) for duration_s, level in parts)

    @property
    def said(self) -> str:
        """The shape in a few words."""
        return f"{self.rate_per_s:g}/s with {self.peak_per_s:g}/s for {self.spike_s:g} s"


class Sine(Document):
    """A rate that swings around its mean, as days and nights do."""

    kind: Literal["sine"] = "sine"
    mean_per_s: Rate
    amplitude_per_s: Rate = Field(description="highest rate less the mean; at most the mean")
    period_s: Seconds = Field(description="from one peak to the next")
    duration_s: Seconds
    spacing: Spacing = "poisson"

    @model_validator(mode="after")
    def _never_below_nothing(self) -> Self:
        if self.amplitude_per_s > self.mean_per_s:
            raise ValueError(f"amplitude_per_s {self.amplitude_per_s:g} is more than mean_per_s {self.mean_per_s:g}")
        return self

    def pieces(self) -> tuple[Piece, ...]:
        """The rate over the measurement, beginning at its mean and rising."""
        count = int(np.ceil(self.duration_s / self.period_s * SINE_PIECES))
        knots = [self.duration_s * number / count for number in range(count + 1)]
        rates = [max(self.mean_per_s + self.amplitude_per_s * sin(2 * pi * at / self.period_s), 0.0) for at in knots]
        return tuple(
            Piece(knots[number + 1] - knots[number], rates[number], rates[number + 1]) for number in range(count)
        )

    @property
    def said(self) -> str:
        """The shape in a few words."""
        return f"{self.mean_per_s:g}/s ± {self.amplitude_per_s:g}/s every {self.period_s:g} s"


class Stage(Document):
    """One stage of a plan: a rate that is held, or that goes to another one in a straight line."""

    rate_per_s: Level = Field(description="requests a second at its beginning")
    to_per_s: Level | None = Field(default=None, description="requests a second at its end; null: the same")
    duration_s: Seconds = Field(description="how long it takes")

    @property
    def piece(self) -> Piece:
        """The stage as a straight piece."""
        return Piece(self.duration_s, self.rate_per_s, self.rate_per_s if self.to_per_s is None else self.to_per_s)


class Stages(Document):
    """Any course of the rate, stage by stage."""

    kind: Literal["stages"] = "stages"
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)] = Field(description="one after the other")
    spacing: Spacing = "poisson"

    @property
    def duration_s(self) -> float:
        """All stages together."""
        return sum(stage.duration_s for stage in self.stages)

    def pieces(self) -> tuple[Piece, ...]:
        """The rate over the measurement."""
        return tuple(stage.piece for stage in self.stages)

    @property
    def said(self) -> str:
        """The shape in a few words."""
        return f"{len(self.stages)} stages up to {max(max(p.from_per_s, p.to_per_s) for p in self.pieces()):g}/s"


class Replay(Document):
    """The arrivals of a recorded run or of an access log, as they were; the seed has no part in them."""

    kind: Literal["replay"] = "replay"
    path: Path = Field(
        description="requests.parquet of a run, or text with one time in seconds a line; relative to the scenario"
    )
    speed: Annotated[float, Field(gt=0)] = Field(default=1.0, description="2: in half the time, at twice the rate")

    @property
    def said(self) -> str:
        """The shape in a few words."""
        return f"{self.path.name} at {self.speed:g} x its speed"


Shape = Constant | Poisson | Ramp | Step | Spike | Sine | Soak | Stages | Replay
Arrivals = Annotated[Shape, Field(discriminator="kind")]


@dataclass(frozen=True)
class Schedule:
    """Intended send times, and what they cover."""

    times: Times
    """Seconds from the start of the run, sorted."""
    warmup_s: float
    """Sent like the rest and left out of every figure."""
    duration_s: float
    """Of the measurement, which follows the warm-up."""

    @property
    def planned_in_warmup(self) -> int:
        """Requests of the warm-up, by their times as rows keep them."""
        return int((np.round(self.times, TIME_DIGITS) < self.warmup_s).sum())


def schedule(arrivals: Shape, *, warmup_s: float, seed: int, base: Path = Path()) -> Schedule:
    """When everything is sent; the same for the same seed.

    A shape's warm-up goes at the rate with which the shape begins; a trace's warm-up is the beginning of the trace.

    Args:
        arrivals: the shape.
        warmup_s: seconds before the measurement.
        seed: of Poisson arrivals.
        base: the folder that the path of a trace is relative to.

    Raises:
        TraceError: a trace that cannot be read, or that ends in the warm-up.
    """
    if isinstance(arrivals, Replay):
        trace = read_trace(base / arrivals.path, more_than_s=warmup_s * arrivals.speed)
        return Schedule(trace.times / arrivals.speed, warmup_s, trace.span_s / arrivals.speed - warmup_s)
    pieces = arrivals.pieces()
    first = pieces[0].from_per_s
    intensity = Intensity((Piece(warmup_s, first, first), *pieces))
    rng = np.random.default_rng([seed, 0])
    times = intensity.even() if arrivals.spacing == "even" else intensity.poisson(rng)
    return Schedule(times, warmup_s, arrivals.duration_s)


def choices(count: int, weights: NDArray[np.float64], *, seed: int) -> NDArray[np.int64]:
    """Which payload each request carries: drawn by weight, from a stream apart from the arrivals'."""
    return np.random.default_rng([seed, 1]).choice(len(weights), count, p=weights / weights.sum())


def part(count: int, worker: int, workers: int) -> range:
    """The indices that one of several workers sends: i with i % workers == worker."""
    if not 0 <= worker < workers:
        raise ValueError(f"worker {worker} is not one of {workers}")
    return range(worker, count, workers)
