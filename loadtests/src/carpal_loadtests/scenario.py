"""A scenario: what is sent, when, and what counts as good; one closed YAML document."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import Field, model_validator

from carpal.document import Document
from carpal.yaml_file import load_yaml
from carpal_loadtests.arrivals import Arrivals, Replay
from carpal_loadtests.errors import ScenarioError, ScenarioNotFoundError
from carpal_loadtests.payloads import Payloads, has_pixels
from carpal_loadtests.slos import Share, Slos, Validity
from carpal_loadtests.wire import Protocol


class AnyRecord(Document):
    """A true record of the image that was sent, whatever it finds."""

    kind: Literal["any"] = "any"


class AtRest(Document):
    """The findings that the target itself gave before the load: catches answers that are mixed up under it."""

    kind: Literal["at-rest"] = "at-rest"


class Records(Document):
    """The findings of records made elsewhere, by `carpal convert` say; every good payload must be among them."""

    kind: Literal["records"] = "records"
    path: Path = Field(description="JSON lines of records, relative to the scenario")


class Retries(Document):
    """How callers try again: after a refusal in good order or a broken connection, as a well-behaved client does."""

    most: Annotated[int, Field(ge=1, le=10)] = Field(default=2, description="further attempts of one request")
    budget_share: Share = Field(
        default=0.1, description="most further attempts of all, share of the requests offered so far (SRE book, ch. 21)"
    )
    backoff_ms: Annotated[float, Field(ge=0)] = Field(
        default=100.0, description="before the first, doubled before each next; Retry-After is kept where it is longer"
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
    payloads: Payloads = Field(description="what is sent, drawn by weight; by kind")
    bad_share: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.0, description="share of requests with a body that must be refused: cut short, noise, text, nothing"
    )
    protocol: Protocol = Field(
        default="image",
        description="the file as it is, or in a BYTES tensor of the Open Inference Protocol v2; pixels need the latter",
    )
    expect: Annotated[AnyRecord | AtRest | Records, Field(discriminator="kind")] = Field(
        default=AnyRecord(), description="which findings are right; by kind"
    )
    retries: Retries | None = Field(default=None, description="null: every request is sent once")
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

    @model_validator(mode="after")
    def _pixels_have_a_protocol(self) -> Self:
        if self.protocol == "image" and has_pixels(self.payloads):
            raise ValueError("payloads of pixels need protocol v2-json, v2-binary or grpc: a tensor is no file")
        return self

    @model_validator(mode="after")
    def _recovery_has_a_peak(self) -> Self:
        if self.slos.recovery_s is not None and self.peak_end_s is None:
            raise ValueError(f"slos.recovery_s needs arrivals with a peak, and {self.arrivals.kind} has none")
        return self

    @property
    def peak_end_s(self) -> float | None:
        """When the highest rate ends, in seconds of the run; None where the rate does not come down again."""
        if isinstance(self.arrivals, Replay):
            return None
        at, rates = self.warmup_s, list[tuple[float, float]]()
        for piece in self.arrivals.pieces():
            rates.append((at, piece.from_per_s))
            at += piece.duration_s
            rates.append((at, piece.to_per_s))
        highest = max(rate for _, rate in rates)
        end = max(moment for moment, rate in rates if rate == highest)
        return end if end < at else None


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
        data = load_yaml(path.read_bytes())
    except (yaml.YAMLError, UnicodeDecodeError) as failure:
        raise ScenarioError(
            f"{path} is not YAML: {failure}", "It could not be parsed.", "Correct the file."
        ) from failure
    return Scenario.parse(data, source=path, error=ScenarioError), path.resolve().parent


def _shipped_folder() -> Path:
    """Beside the sources in a checkout, inside the package in a wheel."""
    inside = Path(__file__).parent / "scenarios"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "scenarios"
