"""What the command hands to the process that sends the load, and what it hears back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from carpal.document import Document
from carpal.records.record import Model
from carpal_loadtests import arrivals
from carpal_loadtests.answers import Expected
from carpal_loadtests.payloads import Payload
from carpal_loadtests.scenario import Scenario


class Job(Document):
    """Everything that the load process needs; it reads no scenario folder and draws nothing."""

    scenario: Scenario
    target: str = Field(description="base URL, without a trailing slash")
    model: str
    digest: str | None = Field(description="of the package, as the target declares it")
    payloads: tuple[Path, ...]
    rows: Path = Field(description="where rows are written as requests end")


class Progress(Document):
    """One line of the load process, about twice a second."""

    offered: int
    ended: int


class Answerer(Document):
    """A model that answered, and how often: two of them after a roll-out, one otherwise."""

    model: Model
    answers: Annotated[int, Field(ge=1)]


class Summary(Document):
    """The last line of the load process."""

    started: str | None = Field(description="RFC 3339 time of second 0, UTC; None where it was stopped before")
    elapsed_s: float = Field(description="from second 0 until the last request ended or the run was stopped")
    cpu_share: float = Field(description="CPU time of the process while it sent, share of one core")
    answerers: tuple[Answerer, ...]
    finished: bool = Field(description="false where the run was stopped before its end")


@dataclass(frozen=True)
class Call:
    """One request of the plan."""

    index: int
    intended_s: float
    payload: Payload


@dataclass(frozen=True)
class Plan:
    """A scenario made concrete: the requests in order, and where they go."""

    scenario: Scenario
    target: str
    model: str
    payloads: Sequence[Payload]
    digest: str | None = None
    """Of the package behind the model, as the target declares it."""

    @property
    def path(self) -> str:
        """The path of a detection request, without the target's own."""
        return f"/v2/models/{self.model}/infer"

    @property
    def expected(self) -> Expected:
        """Whose records are answers."""
        return Expected(self.model, self.digest)

    def times(self) -> NDArray[np.float64]:
        """Intended send times of all workers' requests, in seconds."""
        return arrivals.schedule(self.scenario.arrivals, warmup_s=self.scenario.warmup_s, seed=self.scenario.seed)

    def calls(self, worker: int = 0, workers: int = 1) -> Iterator[Call]:
        """The requests that one worker sends, in order."""
        times = self.times()
        chosen = arrivals.choices(len(times), len(self.payloads), seed=self.scenario.seed)
        for index in arrivals.part(len(times), worker, workers):
            yield Call(index, float(times[index]), self.payloads[int(chosen[index])])
