"""What a real autoscaler did during a run: the replicas of one Deployment, as ``carpal load run`` wrote them down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from carpal_loadtests.cluster import READY, SOURCE, WANTED
from carpal_loadtests.errors import RecordingError
from carpal_loadtests.result import SERVER
from carpal_loadtests.telemetry import Sample, read_samples


@dataclass(frozen=True)
class Tick:
    """One look."""

    at_s: float
    """Second of the run."""
    replicas: int
    """What the Deployment asks for."""
    ready: int


def read_ticks(run: Path, deployment: str | None = None) -> Sequence[Tick]:
    """The replicas that a run recorded.

    Args:
        run: its folder.
        deployment: by its name; None for the only one.

    Raises:
        RecordingError: nothing was recorded, or several Deployments and none is named.
    """
    try:
        samples = read_samples(run / SERVER)
    except OSError as failure:
        raise RecordingError(
            f"{run} has no recording: {failure}",
            "Replicas are in it where the run was made with --namespace.",
            "Run again with --namespace, in a namespace with one Deployment.",
        ) from failure
    return ticks_of(samples, deployment, run)


def ticks_of(samples: Iterable[Sample], deployment: str | None, run: Path) -> Sequence[Tick]:
    """The looks at one Deployment; see ``read_ticks``."""
    wanted: dict[str, dict[float, float]] = {}
    ready: dict[str, dict[float, float]] = {}
    for sample in samples:
        kept = {WANTED: wanted, READY: ready}.get(sample.name) if sample.source == SOURCE else None
        if kept is not None:
            kept.setdefault(sample.labels.removeprefix('deployment="').removesuffix('"'), {})[sample.at_s] = (
                sample.value
            )
    chosen = [name for name in wanted if deployment in (None, name)]
    if len(chosen) != 1:
        raise RecordingError(
            f"{run} recorded {', '.join(wanted) or 'no Deployment'}",
            "A comparison is with one Deployment.",
            "Name it with --deployment, or record a namespace that has one.",
        )
    (name,) = chosen
    return [Tick(at, int(count), int(ready[name].get(at, 0))) for at, count in sorted(wanted[name].items())]
