"""One load test from its plan to its written result: what every command that sends load is made of."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path

from carpal.terminal import Terminal
from carpal_loadtests import target as service
from carpal_loadtests.cluster import Cluster, Place, open_cluster
from carpal_loadtests.errors import UnwritableError
from carpal_loadtests.generator import Measurement, generate
from carpal_loadtests.job import Progress
from carpal_loadtests.machine import fingerprint
from carpal_loadtests.plan import Plan, make_plan
from carpal_loadtests.reference import expected_findings
from carpal_loadtests.result import Result, conclude, refuse_taken, write_result
from carpal_loadtests.scenario import Scenario
from carpal_loadtests.target import Target
from carpal_loadtests.telemetry import Probe, Telemetry, local_processes, scraping

# What judges and writes a run, seconds of a busy machine: loaded before the load, not beside it and not after ctrl-C.
JUDGING = ("pyarrow.parquet", "scipy.stats")


@dataclass(frozen=True)
class Setting:
    """Where load goes and what is watched meanwhile; the same for every trial of a search."""

    url: str
    """Base URL of the service."""
    model: str | None = None
    """None: the scenario's, or the target's only one."""
    grpc: str | None = None
    """HOST:PORT, for scenarios that speak gRPC."""
    processes: int = 1
    """Load processes that share the schedule."""
    metrics: Sequence[str] = ()
    """URLs to scrape; none: the target's own /metrics, where it has one."""
    place: Place | None = None
    """Where in Kubernetes the target is, if its replicas are to be recorded."""


@dataclass(frozen=True)
class Trial:
    """A run that is over."""

    result: Result
    measurement: Measurement
    samples: Telemetry = field(repr=False)


def prepare(scenario: Scenario, base: Path, setting: Setting) -> tuple[Plan, Target]:
    """A plan with its target, which was asked whether it is there.

    Raises:
        LoadError: nothing to send, no such target or model, or findings that were expected and are not there.
    """
    planned = make_plan(scenario, base)
    described = service.check(setting.url, setting.model or scenario.model)
    address = service.grpc_address(setting.grpc) if scenario.protocol == "grpc" else described.url
    planned = replace(planned, target=address, model=described.model, digest=described.digest)
    return replace(planned, findings=expected_findings(scenario.expect, base, planned, described)), described


def run_trial(plan: Plan, described: Target, setting: Setting, out: Path, terminal: Terminal) -> Trial:
    """Send a plan, watch the target meanwhile, judge, and write everything into a folder.

    Raises:
        LoadError: the folder is taken or cannot be written, the cluster is not reached, or the load process measured
            nothing.
    """
    refuse_taken(out)
    cluster = open_cluster(setting.place) if setting.place else None
    make_folder(out)
    for needed in JUDGING:
        import_module(needed)
    telemetry = Telemetry(probes(setting, described, cluster))
    ended = 0
    with (
        tempfile.TemporaryDirectory(prefix=".run-", dir=out, ignore_cleanup_errors=True) as work,
        terminal.progress("sending", len(plan.schedule.times)) as advance,
    ):

        def on_progress(progress: Progress) -> None:
            nonlocal ended
            advance(progress.ended - ended)
            ended = progress.ended

        with telemetry.watching():
            measurement = generate(plan, Path(work), on_progress, processes=setting.processes)
    result = conclude(
        plan,
        described,
        measurement,
        fingerprint(),
        samples=telemetry.samples,
        missed=telemetry.missed,
        events=cluster.events(measurement.zero_unix_s) if cluster else (),
        processes=setting.processes,
    )
    return Trial(result, measurement, telemetry)


def keep(trial: Trial, out: Path, *, result: Result | None = None) -> None:
    """Write a trial into its folder.

    Args:
        trial: a run that is over.
        out: its folder.
        result: in the place of the trial's own, with more checks say.

    Raises:
        UnwritableError: the disk is full, say.
    """
    write_result(
        result or trial.result,
        trial.measurement.rows,
        out,
        samples=trial.samples.samples,
        zero_unix_s=trial.measurement.zero_unix_s,
    )


def probes(setting: Setting, described: Target, cluster: Cluster | None) -> list[Probe]:
    """What can be watched of this target, and of the cluster that it is in."""
    urls = list(setting.metrics)
    if not urls and service.exposes_metrics(described.url):
        urls.append(f"{described.url}/metrics")
    here = local_processes(described.url)
    return [*map(scraping, urls), *([here] if here else []), *(cluster.probes() if cluster else [])]


def make_folder(out: Path) -> None:
    """The folder of a result, made where it is missing.

    Raises:
        UnwritableError: it cannot be made.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        raise UnwritableError(
            f"{out} cannot be made: {failure.strerror}", "A result needs its folder.", "Give another with --out."
        ) from failure
