"""What the stages left behind, read for the report."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from pyarrow.parquet import read_table

from carpal.imaging.radiograph import Radiograph
from carpal.imaging.readers import read
from carpal.packages.manifest import Manifest
from carpal.records.jsonl import read_lines
from carpal.records.record import Record
from demo.places import NAME, Places
from demo.plots import Curve, Request
from demo.stamps import Stamps


@dataclass(frozen=True)
class Converted:
    """One radiograph, its file, and what the service said of it."""

    path: Path
    radiograph: Radiograph
    record: Record

    @property
    def drawn(self) -> bool:
        """Whether it is a phantom, not an acquired radiograph."""
        return self.path.suffix == ".png"


@dataclass(frozen=True)
class Results:
    """Everything that the report tells of.

    Attributes:
        epochs: rows of epochs.csv, None where a cell is blank.
        run: run.json.
        evaluation: evaluation.json.
        curves: precision over recall for each class that has an instance.
        manifest: of the published package.
        converted: in the order of the records.
        failed: lines of errors.jsonl.
        load: result.json.
        requests: rows of requests.parquet, the warm-up included.
        service: what the service said of its model.
        seconds: of each finished stage.
    """

    epochs: Sequence[Mapping[str, float | None]]
    run: Mapping[str, Any]
    evaluation: Mapping[str, Any]
    curves: Mapping[str, Curve]
    manifest: Manifest
    converted: Sequence[Converted]
    failed: Sequence[Mapping[str, Any]]
    load: Mapping[str, Any]
    requests: Sequence[Request]
    service: Mapping[str, Any]
    seconds: Mapping[str, float]


def read_results(places: Places, stages: Sequence[str]) -> Results:
    """Read what the named stages made."""
    manifest = next((places.models / NAME).glob("*/manifest.json"))
    stamps = Stamps(places.stamps)
    known = {name: stamp.seconds for name in stages if (stamp := stamps.read(name))}
    return Results(
        epochs=[
            {key: float(cell) if cell else None for key, cell in row.items()}
            for row in _rows(places.run / "epochs.csv")
        ],
        run=orjson.loads((places.run / "run.json").read_bytes()),
        evaluation=orjson.loads((places.evaluation / "evaluation.json").read_bytes()),
        curves=_curves(_rows(places.evaluation / "curves.csv")),
        manifest=Manifest.parse_json(manifest.read_bytes(), source=manifest),
        converted=_converted(places.convert),
        failed=list(read_lines(places.convert / "service/errors.jsonl")),
        load=orjson.loads((places.load / "result.json").read_bytes()),
        requests=[_request(row) for row in read_table(places.load / "requests.parquet").to_pylist()],
        service=orjson.loads(places.serve.read_bytes()),
        seconds=known,
    )


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def _curves(rows: Sequence[Mapping[str, str]]) -> dict[str, Curve]:
    curves: dict[str, tuple[list[float], list[float]]] = {}
    for row in rows:
        recall, precision = curves.setdefault(row["class"], ([], []))
        recall.append(float(row["recall"]))
        precision.append(float(row["precision"]))
    return dict(curves)


def _converted(folder: Path) -> list[Converted]:
    files = {path.stem: path for path in (folder / "input").iterdir()}
    found = []
    for line in read_lines(folder / "service/records.jsonl"):
        record = Record.parse(line, source=folder)
        path = files[record.source.name or ""]
        found.append(Converted(path, read(path), record))
    return found


def _request(row: Mapping[str, Any]) -> Request:
    return Request(row["index"], row["intended_s"], row["start_s"], row["end_s"], row["outcome"])
