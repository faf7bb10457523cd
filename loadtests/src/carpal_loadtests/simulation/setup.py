"""What is simulated: a load, a service as it was measured, the delays around it, and the policies to compare."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field

from carpal.document import Document
from carpal.yaml_file import load_yaml
from carpal_loadtests.arrivals import Arrivals, Replay
from carpal_loadtests.autoscaling.hpa import HpaPolicy
from carpal_loadtests.autoscaling.keda import KedaPolicy
from carpal_loadtests.autoscaling.knative import KpaPolicy
from carpal_loadtests.capacity.demand import ServiceTimes, measured_service
from carpal_loadtests.errors import SimulationError

Seconds = Annotated[float, Field(ge=0)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


class FixedPolicy(Document):
    """No autoscaler: always so many replicas."""

    kind: Literal["fixed"] = "fixed"
    replicas: Annotated[int, Field(ge=1, le=100_000)] = Field(description="from beginning to end")


Policy = Annotated[FixedPolicy | HpaPolicy | KpaPolicy | KedaPolicy, Field(discriminator="kind")]


class Typed(Document):
    """Service times of a mean and a spread."""

    mean_ms: Annotated[float, Field(gt=0)] = Field(description="of one request in one slot")
    cv: Annotated[float, Field(ge=0, le=10)] = Field(default=0.1, description="standard deviation over mean")


class Measured(Document):
    """Service times of a run."""

    run: Path = Field(description="folder of a light carpal load run; relative to this file")


class Replica(Document):
    """One pod of the service."""

    slots: Annotated[int, Field(ge=1)] = Field(default=1, description="requests that it serves at once")
    around_ms: Annotated[float, Field(ge=0)] = Field(
        default=0.0,
        description="part of a service time in which no slot is held: network, gateway; a run's have it in them",
    )
    places: Annotated[int, Field(ge=0)] = Field(
        default=16, description="requests that may wait in it; more are refused"
    )
    startup_s: Seconds = Field(default=20.0, description="from the decision to the first answer")
    cpu_request_milli: Annotated[int, Field(ge=1)] = Field(
        default=1000, description="CPU request, thousandths of a core"
    )
    cpu_busy_milli: Annotated[float, Field(ge=0)] = Field(
        default=1000.0, description="CPU that a slot uses while it works; an emulated engine uses little"
    )
    cpu_idle_milli: Annotated[float, Field(ge=0)] = Field(default=10.0, description="CPU of a pod that does nothing")


class Delays(Document):
    """How old everything is that an autoscaler sees."""

    scrape_s: Annotated[float, Field(gt=0)] = Field(
        default=15.0, description="between two looks of metrics-server or Prometheus at a pod"
    )
    housekeeping_s: Annotated[float, Field(gt=0)] | None = Field(
        default=10.0,
        description="for cpu: the kubelet reads a container's counter after so many seconds and up to as many more, by "
        "chance, and a look finds its last reading; null: at each look, as where the container runtime is asked",
    )
    scrape_phase_s: Seconds = Field(default=0.0, description="second of the first look")
    sync_phase_s: Seconds = Field(default=0.0, description="second of the autoscaler's first decision")


class Setup(Document):
    """One simulation."""

    schema_: Literal["carpal.simulation/v1"] = Field(default="carpal.simulation/v1", alias="schema")
    name: Name = Field(description="small letters, digits, dashes")
    arrivals: Arrivals = Field(description="when requests are sent, as in a scenario; by kind")
    seed: Annotated[int, Field(ge=0)] = Field(default=0, description="of arrivals, service times and balancing")
    service: Typed | Measured = Field(description="how long one request takes a slot")
    replica: Replica = Replica()
    balancing: Literal["random", "turns", "least"] = Field(
        default="random",
        description="random: a Kubernetes Service; turns: a gateway that asks one after the other; least: to the "
        "replica with the fewest requests",
    )
    delays: Delays = Delays()
    initial_replicas: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="ready at second 0, under every autoscaler; null: the policy's least"
    )
    limit_ms: Annotated[float, Field(gt=0)] = Field(default=500.0, description="in time is what takes no longer")
    share: Annotated[float, Field(gt=0, lt=1)] = Field(default=0.99, description="of all requests that must be in time")
    policies: Annotated[Mapping[Name, Policy], Field(min_length=1)] = Field(description="to compare, by name; by kind")


def load_setup(path: Path) -> tuple[Setup, ServiceTimes]:
    """Read a simulation from YAML, and its service times from where it says.

    Raises:
        SimulationError: no such file, no YAML, or against the schema.
        ServiceTimesError: the run that it names has none.
    """
    try:
        data = load_yaml(path.read_bytes())
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as failure:
        raise SimulationError(
            f"{path} cannot be read: {failure}", "A simulation is a YAML file.", "Correct it, or name another file."
        ) from failure
    setup = Setup.parse(data, source=path, error=SimulationError)
    if isinstance(setup.arrivals, Replay):
        beside = setup.arrivals.model_copy(update={"path": path.parent / setup.arrivals.path})
        setup = setup.model_copy(update={"arrivals": beside})
    if isinstance(setup.service, Typed):
        return setup, ServiceTimes.typed(setup.service.mean_ms / 1000, setup.service.cv)
    return setup, measured_service(path.parent / setup.service.run)
