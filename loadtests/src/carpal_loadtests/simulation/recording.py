"""What a real autoscaler did during a run of ``carpal load run --namespace``: replicas, and what clocks it went by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from carpal_loadtests.cluster import CPU_AGE, CPU_WINDOW, READY, SOURCE, UTILIZATION, WANTED
from carpal_loadtests.errors import RecordingError
from carpal_loadtests.result import SERVER
from carpal_loadtests.telemetry import Sample, read_samples

Series = dict[str, dict[float, float]]
"""Values by label and time."""
# metrics-server tells the time of a reading in whole seconds, cut off.
CUT_S = 0.5
# Less is the last digit of a clock; replicas, percents and seconds change by one.
LEAST_CHANGE = 0.5


@dataclass(frozen=True)
class Tick:
    """One look."""

    at_s: float
    """Second of the run."""
    replicas: int
    """What the Deployment asks for."""
    ready: int


@dataclass(frozen=True)
class Recording:
    """One Deployment and what its autoscaler saw, in seconds of the run."""

    ticks: Sequence[Tick]
    decided_s: Sequence[float] = ()
    """When the autoscaler was seen to have looked or decided."""
    looked_s: Sequence[float] = ()
    """When metrics-server was seen to know something new."""
    readings_s: Sequence[Sequence[float]] = ()
    """When the kubelet had read a pod's CPU counter, pod by pod in the order in which they were made."""


def read_recording(run: Path, deployment: str | None = None) -> Recording:
    """The replicas that a run recorded, and the clocks where they were recorded too.

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
    return recording_of(samples, deployment, run)


def recording_of(samples: Iterable[Sample], deployment: str | None, run: Path) -> Recording:
    """The recording of one Deployment; see ``read_recording``."""
    named: dict[str, Series] = {}
    for sample in samples:
        if sample.source == SOURCE:
            label = sample.labels.partition('="')[2].partition('"')[0]
            named.setdefault(sample.name, {}).setdefault(label, {})[sample.at_s] = sample.value
    wanted, ready = named.get(WANTED, {}), named.get(READY, {})
    chosen = [name for name in wanted if deployment in (None, name)]
    if len(chosen) != 1:
        raise RecordingError(
            f"{run} recorded {', '.join(wanted) or 'no Deployment'}",
            "A comparison is with one Deployment.",
            "Name it with --deployment, or record a namespace that has one.",
        )
    (name,) = chosen
    seen = named.get(UTILIZATION, {})
    ages = {pod: told for pod, told in named.get(CPU_AGE, {}).items() if pod.startswith(f"{name}-")}
    return Recording(
        ticks=[Tick(at, int(count), int(ready[name].get(at, 0))) for at, count in sorted(wanted[name].items())],
        # Of several autoscalers nobody knows which is this Deployment's.
        decided_s=sorted({*_changes(wanted[name]), *(_changes(*seen.values()) if len(seen) == 1 else ())}),
        looked_s=sorted({at for told in ages.values() for at in _changes(_taken(told))}),
        readings_s=sorted(_readings(told, named[CPU_WINDOW][pod]) for pod, told in ages.items()),
    )


def _changes(values: dict[float, float]) -> Iterator[float]:
    """Where a value changed: in the middle between two looks."""
    for (last_s, last), (at_s, value) in pairwise(sorted(values.items())):
        if abs(value - last) > LEAST_CHANGE:
            yield (last_s + at_s) / 2


def _taken(ages: dict[float, float]) -> dict[float, float]:
    """When what was known at each look had been read, by the time of the look."""
    return {at_s: at_s - age_s for at_s, age_s in ages.items()}


def _readings(ages: dict[float, float], windows: dict[float, float]) -> list[float]:
    """Both ends of every window."""
    taken = _taken(ages)
    ends = {round(taken[at_s] + CUT_S, 2): windows[at_s] for at_s in taken}
    return sorted({*ends, *(end_s - window_s for end_s, window_s in ends.items())})
