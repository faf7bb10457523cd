"""Everything a report is made from, recognised by what it is, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from carpal.document import Document
from carpal_loadtests.capacity.plan import Capacity
from carpal_loadtests.cluster import READY, SOURCE, WANTED
from carpal_loadtests.errors import EvidenceError
from carpal_loadtests.limits.saturation import Saturation
from carpal_loadtests.result import SERVER, Result, read_result
from carpal_loadtests.rows import Row
from carpal_loadtests.scaling.analysis import Scaling
from carpal_loadtests.scaling.points import Point, read_run
from carpal_loadtests.simulation.outcome import Simulated
from carpal_loadtests.telemetry import Sample, read_samples

REMEDIES = {
    "scaling": ("throughput against replicas", "carpal load scale … --out scaling.json"),
    "saturation": ("the limit of one deployment", "carpal load saturate … --out out/limit"),
    "runs": ("runs at two rates or more", "carpal load run … --out out/run"),
    "capacity": ("a capacity plan", "carpal load capacity … --out plan.json"),
    "simulated": ("autoscaling policies", "carpal load simulate … --out simulated.json"),
}


@dataclass(frozen=True)
class Run:
    """One load test."""

    folder: Path
    result: Result
    rows: tuple[Row, ...]
    samples: tuple[Sample, ...] = ()
    """Replicas as Kubernetes had them, where they were recorded: of the first Deployment."""

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.folder.name


@dataclass(frozen=True)
class Evidence:
    """What was given; each kind may be absent."""

    runs: tuple[Run, ...] = ()
    points: tuple[Point, ...] = ()
    """Of saturated runs that were given with their number of replicas."""
    scaling: tuple[Path, Scaling] | None = None
    saturation: tuple[Path, Saturation] | None = None
    capacity: tuple[Path, Capacity] | None = None
    simulated: tuple[Path, Simulated] | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """What is not there, with the command that makes it."""
        there = {
            "scaling": self.scaling is not None,
            "saturation": self.saturation is not None,
            "runs": len(self.runs) > 1,
            "capacity": self.capacity is not None,
            "simulated": self.simulated is not None,
        }
        return tuple(f"{what}: {how}" for name, (what, how) in REMEDIES.items() if not there[name])

    @property
    def emulated(self) -> bool:
        """Whether any figure comes from an engine that slept."""
        engines = [run.result.emulated for run in self.runs]
        engines += [point.emulated for point in self.points]
        engines += [self.scaling[1].emulated] if self.scaling else []
        engines += [self.saturation[1].emulated] if self.saturation else []
        engines += [self.capacity[1].demand.service.emulated] if self.capacity else []
        engines += [self.simulated[1].service.emulated] if self.simulated else []
        return any(engines)


def gather(paths: Sequence[Path]) -> Evidence:
    """Read folders of runs and documents of ``scale``, ``saturate``, ``capacity`` and ``simulate``, in any order.

    A folder may be given as ``N=FOLDER``: it is then also a point of throughput against replicas, by itself.

    Raises:
        EvidenceError: a path is none of these, or a second one of a kind of which a report shows one.
        NotSaturatedError: a folder that is given with its number of replicas shows its load and not their limit.
    """
    runs: list[Run] = []
    points: list[Point] = []
    single: dict[str, tuple[Path, Any]] = {}
    for given in paths:
        number, equals, folder = str(given).partition("=")
        path = Path(folder) if equals and number.isdecimal() else given
        if path is not given:
            points.append(read_run(int(number), path))
        if path.is_dir():
            runs.append(_run(path))
            continue
        name, document = _document(path)
        if name in single:
            raise EvidenceError(
                f"{path} and {single[name][0]} are both a {name}",
                "A report shows one of each, and any number of runs.",
                "Leave one of them out.",
            )
        single[name] = (path, document)
    runs.sort(key=lambda run: run.result.figures.offered_rate_per_s)
    return Evidence(tuple(runs), tuple(points), **single)


def _run(folder: Path) -> Run:
    result, rows = read_result(folder, EvidenceError, "Name the folder of a carpal load run.")
    return Run(folder, result, tuple(rows), _replicas(folder))


def _replicas(folder: Path) -> tuple[Sample, ...]:
    if not (folder / SERVER).is_file():
        return ()
    found = [sample for sample in read_samples(folder / SERVER) if sample.name in (WANTED, READY)]
    return tuple(sample for sample in found if sample.source == SOURCE and sample.labels == found[0].labels)


# By schema: the field of the evidence, and what reads it.
DOCUMENTS: Mapping[str, tuple[str, type[Document]]] = {
    "carpal.scaling/v1": ("scaling", Scaling),
    "carpal.saturation/v1": ("saturation", Saturation),
    "carpal.capacity/v1": ("capacity", Capacity),
    "carpal.simulated/v1": ("simulated", Simulated),
}


def _document(path: Path) -> tuple[str, Document]:
    try:
        data = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as failure:
        raise EvidenceError(
            f"{path} cannot be read: {failure}",
            "A report is made from folders of runs and from JSON documents.",
            "Name what carpal load scale, saturate, capacity or simulate wrote with --out.",
        ) from failure
    schema = str(data.get("schema")) if isinstance(data, dict) else "None"
    if schema not in DOCUMENTS:
        raise EvidenceError(
            f"{path} has the schema {schema!r}",
            f"A report shows {', '.join(DOCUMENTS)}, and folders of runs.",
            "Name one of these.",
        )
    name, kind = DOCUMENTS[schema]
    return name, kind.parse(data, source=path, error=EvidenceError)
