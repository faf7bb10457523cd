"""What a real autoscaler did: the replicas of a Deployment, looked at once a second with kubectl, as a CSV file."""

from __future__ import annotations

import csv
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from carpal_loadtests.errors import RecordingError

COLUMNS = ("unix_s", "replicas", "ready")
EVERY_S = 1.0
TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Tick:
    """One look."""

    unix_s: float
    replicas: int
    """What the Deployment asks for."""
    ready: int


def kubectl(deployment: str, namespace: str, program: str = "kubectl") -> Callable[[], Tick]:
    """A look at a Deployment with kubectl, which finds the cluster as it always does (KUBECONFIG).

    The look raises:
        RecordingError: kubectl failed, or what it printed is no Deployment.
    """
    command = [program, "get", "deployment", deployment, "--namespace", namespace, "--output", "json"]

    def look() -> Tick:
        try:
            done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=True)
            found = orjson.loads(done.stdout)
            return Tick(time.time(), int(found["spec"]["replicas"]), int(found["status"].get("readyReplicas", 0)))
        except subprocess.CalledProcessError as failure:
            why = failure.stderr.decode(errors="replace").strip()
        except (OSError, subprocess.TimeoutExpired, orjson.JSONDecodeError, KeyError, TypeError, ValueError) as failure:
            why = f"{type(failure).__name__}: {failure}"
        raise RecordingError(
            f"the Deployment {deployment} in {namespace} cannot be looked at: {why}",
            "The recorder asks kubectl once a second.",
            "Try the same with kubectl get deployment; set KUBECONFIG.",
        )

    return look


def watch(look: Callable[[], Tick], seconds: float) -> Iterator[Tick]:
    """One look a second for so long."""
    begun = time.monotonic()
    count = 0
    while (spent_s := time.monotonic() - begun) < seconds:
        if spent_s < count * EVERY_S:
            time.sleep(count * EVERY_S - spent_s)
            continue
        yield look()
        count += 1


def write_ticks(ticks: Iterator[Tick], path: Path) -> int:
    """Write looks as they come, so that ctrl-C keeps them; gives how many."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for tick in ticks:
            writer.writerow((f"{tick.unix_s:.3f}", tick.replicas, tick.ready))
            stream.flush()
            count += 1
    return count


def read_ticks(path: Path) -> Sequence[Tick]:
    """Every look of a file.

    Raises:
        RecordingError: no such file, other columns, or no look.
    """
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            ticks = [
                Tick(float(row["unix_s"]), int(row["replicas"]), int(row["ready"])) for row in csv.DictReader(stream)
            ]
    except (OSError, KeyError, TypeError, ValueError) as failure:
        raise RecordingError(
            f"{path} is no recording: {type(failure).__name__}: {failure}",
            f"A recording has the columns {', '.join(COLUMNS)}.",
            "Name what carpal load record wrote.",
        ) from failure
    if not ticks:
        raise RecordingError(f"{path} has no look in it", "Nothing can be compared with it.", "Record again.")
    return ticks
