"""A scenario: what is sent, when, and what counts as good; one closed YAML document."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import Field, model_validator

from carpal.document import Document
from carpal_loadtests.arrivals import Arrivals
from carpal_loadtests.errors import ScenarioError, ScenarioNotFoundError
from carpal_loadtests.payloads import Payloads

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Limit = Annotated[float, Field(gt=0, description="milliseconds, from the intended send time to the end of the answer")]


class Slos(Document):
    """What must hold for the verdict to be pass. Latencies are in ms from the INTENDED send time."""

    p50_ms: Limit | None = None
    p90_ms: Limit | None = None
    p95_ms: Limit | None = None
    p99_ms: Limit | None = None
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

    def latencies(self) -> tuple[tuple[str, float, float], ...]:
        """The latency objectives that are set: (name, share of requests that must keep it, limit in ms)."""
        named = (
            ("p50_ms", 0.50, self.p50_ms),
            ("p90_ms", 0.90, self.p90_ms),
            ("p95_ms", 0.95, self.p95_ms),
            ("p99_ms", 0.99, self.p99_ms),
        )
        return tuple((name, share, limit) for name, share, limit in named if limit is not None)


class Validity(Document):
    """What must hold for the measurement to mean anything; otherwise the verdict is invalid, neither pass nor fail."""

    offered_share: Share = Field(default=0.999, description="least offered rate, as a share of the planned rate")
    lag_p99_ms: Limit = Field(default=50.0, description="most that the generator may be late, 99th percentile")
    generator_cpu: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.9, description="most of one core that the generator may use"
    )


class Scenario(Document):
    """One load test."""

    schema_: Literal["carpal.scenario/v1"] = Field(default="carpal.scenario/v1", alias="schema")
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")] = Field(
        description="small letters, digits, dashes"
    )
    description: str = Field(default="", description="a sentence for the report")
    arrivals: Arrivals = Field(description="when requests are sent; by kind")
    seed: Annotated[int, Field(ge=0)] = Field(default=0, description="of the arrivals; the same seed, the same times")
    warmup_s: Annotated[float, Field(ge=0)] = Field(
        default=0.0, description="sent before the measurement and left out of it"
    )
    payloads: Payloads = Field(description="what is sent, in turn; by kind")
    model: str | None = Field(
        default=None, description="--model overrides it; where neither is given, the target's only model"
    )
    timeout_s: Annotated[float, Field(gt=0)] = Field(default=10.0, description="after which a request counts as failed")
    max_in_flight: Annotated[int, Field(gt=0, le=20_000)] = Field(
        default=256, description="requests on the way at once; what would exceed it is dropped, and counted"
    )
    slos: Slos = Slos()
    validity: Validity = Validity()

    @model_validator(mode="after")
    def _timeout_leaves_room(self) -> Self:
        """A timeout below a limit would turn slow answers into errors and hide the percentile."""
        for name, _, limit in self.slos.latencies():
            if limit >= self.timeout_s * 1000:
                raise ValueError(f"{name} {limit:g} ms is not below timeout_s {self.timeout_s:g} s")
        return self


def load_scenario(reference: str) -> tuple[Scenario, Path]:
    """Read a scenario from a YAML file or by a shipped name; also gives the folder its paths are relative to.

    Raises:
        ScenarioNotFoundError: no such file or shipped scenario.
        ScenarioError: not YAML, or against the schema.
    """
    path = Path(reference)
    if not path.is_file():
        shipped = {file.stem: file for file in sorted(_shipped_folder().glob("*.yaml"))}
        if reference not in shipped:
            near = get_close_matches(reference, shipped, n=1)
            raise ScenarioNotFoundError(
                f"there is no scenario {reference!r}" + (f", did you mean {near[0]!r}?" if near else ""),
                "It is neither a file here nor the name of a scenario that is shipped.",
                f"Give a YAML file or one of: {', '.join(shipped)}.",
            )
        path = shipped[reference]
    try:
        data = yaml.safe_load(path.read_bytes())
    except (yaml.YAMLError, UnicodeDecodeError) as failure:
        raise ScenarioError(
            f"{path} is not YAML: {failure}", "It could not be parsed.", "Correct the file."
        ) from failure
    return Scenario.parse(data, source=path, error=ScenarioError), path.resolve().parent


def _shipped_folder() -> Path:
    """Beside the sources in a checkout, inside the package in a wheel."""
    inside = Path(__file__).parent / "scenarios"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "scenarios"
