"""``carpal load capacity``: replicas for a rate and an objective."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from carpal_loadtests.capacity.demand import ServiceTimes
    from carpal_loadtests.capacity.plan import Capacity, SpikeLoad
    from carpal_loadtests.scaling.analysis import Scaling


def capacity(
    rate: Annotated[float, typer.Option(min=1e-6, help="requests a second")],
    limit_ms: Annotated[float, typer.Option(min=0.001, help="from send to answer; in time is what takes no longer")],
    run: Annotated[
        Path | None, typer.Option(help="folder of a light carpal load run, whose service times are used")
    ] = None,
    service_ms: Annotated[float | None, typer.Option(min=0.001, help="mean service time, instead of --run")] = None,
    service_cv: Annotated[
        float, typer.Option(min=0, max=10, help="standard deviation over mean of --service-ms")
    ] = 0.1,
    share: Annotated[float, typer.Option(min=0.5, max=0.99999, help="of requests that must be in time")] = 0.99,
    slots: Annotated[int, typer.Option(min=1, help="requests that one replica serves at once")] = 1,
    places: Annotated[int, typer.Option(min=0, help="requests that may wait in one replica")] = 16,
    balancing: Annotated[
        str, typer.Option(help="random (a Kubernetes Service) or shared (a balancer that knows who is free)")
    ] = "random",
    most_busy: Annotated[float, typer.Option(min=0.05, max=1, help="most of their time that slots may work")] = 0.8,
    spare: Annotated[int, typer.Option(min=0, help="replicas that may be lost")] = 1,
    spike_rate: Annotated[float | None, typer.Option(min=1e-6, help="a sudden rate that must be ridden out")] = None,
    detection_s: Annotated[float, typer.Option(min=0, help="until the autoscaler decides")] = 30,
    startup_s: Annotated[float, typer.Option(min=0, help="until a new replica answers")] = 30,
    price_per_hour: Annotated[float | None, typer.Option(min=0, help="of one replica")] = None,
    currency: Annotated[str, typer.Option(help="of the price")] = "USD",
    scaling: Annotated[Path | None, typer.Option(help="document of carpal load scale: how well replicas scale")] = None,
    out: Annotated[Path | None, typer.Option(help="also write the plan to this file")] = None,
    json: Annotated[bool, typer.Option("--json", help="print the plan as JSON")] = False,
) -> None:
    """Say how many replicas a rate and an objective need, why, what a spike does to them, and what they cost."""
    from carpal.terminal import Terminal
    from carpal_loadtests.capacity.demand import Demand, Spike
    from carpal_loadtests.capacity.plan import perfect, plan
    from carpal_loadtests.errors import CapacityError
    from carpal_loadtests.whole import write_document

    terminal = Terminal(json=json)
    law = _scaling(scaling)
    spike = None if spike_rate is None else Spike(rate_per_s=spike_rate, detection_s=detection_s, startup_s=startup_s)
    asked = Demand.parse(
        {
            "rate_per_s": rate,
            "service": _service(run, service_ms, service_cv),
            "slots": slots,
            "places": places,
            "share": share,
            "limit_s": limit_ms / 1000,
            "most_busy": most_busy,
            "balancing": balancing,
            "spare": spare,
            "spike": spike,
            "price_per_hour": price_per_hour,
            "currency": currency,
        },
        source="the command line",
        error=CapacityError,
    )
    made = plan(
        asked,
        efficiency=law.coefficients.efficiency if law else perfect,
        measured_replicas=max(point.replicas for point in law.points) if law else None,
    )
    if out is not None:
        write_document(made, out)
    if not json:
        for line in lines(made):
            typer.echo(line)
    for warning in made.warnings:
        terminal.say(f"note: {warning}")
    terminal.result(made)
    terminal.done(conclusion(made) + (f" ({out})" if out else ""))


def _service(run: Path | None, mean_ms: float | None, cv: float) -> ServiceTimes:
    from carpal_loadtests.capacity.demand import ServiceTimes, measured_service
    from carpal_loadtests.errors import ServiceTimesError

    if (run is None) == (mean_ms is None):
        raise ServiceTimesError(
            "service times were given " + ("twice" if run else "nowhere"),
            "They are measured in a run, or typed as a mean.",
            "Give either --run or --service-ms.",
        )
    return measured_service(run) if run is not None else ServiceTimes.typed((mean_ms or 0) / 1000, cv)


def _scaling(path: Path | None) -> Scaling | None:
    from carpal_loadtests.errors import ScalingPointsError
    from carpal_loadtests.scaling.analysis import Scaling

    if path is None:
        return None
    try:
        body = path.read_bytes()
    except OSError as failure:
        raise ScalingPointsError(
            f"{path} cannot be read: {failure}", "It should be a document of carpal load scale.", "Name another file."
        ) from failure
    return Scaling.parse_json(body, source=path, error=ScalingPointsError)


def lines(made: Capacity) -> list[str]:
    """Each part of the number with its reason, then what happens in a spike, then the cost."""
    demand = made.demand
    said = [f"service: {demand.service.mean_s * 1000:.4g} ms, scv {demand.service.scv:.3g} ({demand.service.source})"]
    said += [f"{step.replicas:>5} for the {step.name}: {step.reason}" for step in made.steps]
    if demand.spare:
        late, busy = made.degraded.late_share, made.degraded.busy
        said.append(f"      with {demand.spare} lost: {late:.2%} late, slots busy {busy:.0%} of their time")
    if made.spike:
        said.append(_spike_line(made.replicas, made.spike))
    if made.cost:
        said.append(
            f"      cost: {made.cost.per_hour:.4g} {made.cost.currency} an hour, {made.cost.per_million_images:.4g} a "
            f"million images; {made.cost.least_per_million_images:.4g} if no slot were ever idle"
        )
    return said


def _spike_line(replicas: int, load: SpikeLoad) -> str:
    drained = "never" if load.drain_s is None else f"in {load.drain_s:.3g} s"
    return (
        f"      in the spike {replicas} replicas do {load.capacity_per_s:.4g}/s for {load.exposed_s:g} s: "
        f"{load.shed:.4g} refused, waits up to {load.longest_wait_s * 1000:.4g} ms; "
        f"then {load.replicas_after} replicas, backlog of {load.backlog:.4g} gone {drained}"
    )


def conclusion(made: Capacity) -> str:
    """The number, in a sentence."""
    demand = made.demand
    load = made.steady
    return (
        f"{made.replicas} replicas answer {demand.rate_per_s:g}/s, {1 - load.late_share:.3%} of them within "
        f"{demand.limit_s * 1000:g} ms, slots busy {load.busy:.0%} of their time"
    )
