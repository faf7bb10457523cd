"""A training run on disk.

::

    recipe.yaml    the recipe as run        split.json   the stems of each part
    run.json       what, on what, how far   epochs.csv   losses and accuracy after each epoch
    last.pt        to go on                 best.pt      the best average so far, to export
    progress.json  the step it is at        cache/       prepared images        ray/   Ray's own notes
    variants.json  what carpal export made of it, and by how much each variant passed or failed its gate
    .held          locked by the process that trains
"""

from __future__ import annotations

import csv
import fcntl
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal

import orjson
from pydantic import Field

from carpal.document import Document
from carpal_training.data.splits import PARTS, Split
from carpal_training.errors import RunBusyError, RunExistsError, RunMissingError
from carpal_training.full_disk import told_if_full
from carpal_training.recipe import Recipe, read_recipe, recipe_yaml

PATIENCE_S = 60.0  # Ray ends what a lost command left within seconds
POLL_S = 0.2
BY_DATASET = "map50 "  # in front of a dataset's name: its column in epochs.csv


@dataclass(frozen=True)
class Epoch:
    """One line of epochs.csv: mean losses an image, accuracy of the averaged weights (blank: not validated).

    ``map50`` and ``map50_95`` are means over the datasets; a run on several datasets has a column for each of them.
    """

    epoch: int
    seconds: float
    box_loss: float
    class_loss: float
    dfl_loss: float
    lr: float
    map50: float | None
    map50_95: float | None
    map50_by_dataset: Mapping[str, float] = field(default_factory=dict)

    def figures(self) -> dict[str, float | None]:
        """Every figure by its column; None: not measured in this epoch."""
        columns = {name: value for name, value in vars(self).items() if name != "map50_by_dataset"}
        if len(self.map50_by_dataset) > 1:
            columns |= {f"{BY_DATASET}{name}": value for name, value in self.map50_by_dataset.items()}
        return columns


class DatasetUsed(Document):
    """One dataset of a run."""

    name: str
    path: str
    digest: str
    classes: tuple[str, ...] = Field(description="classes that its labels cover")
    unit: Literal["patient", "group"] = Field(description="what is never in two parts")
    train_images: int
    val_images: int


class Summary(Document):
    """run.json."""

    schema_: Literal["carpal.run/v1"] = Field(default="carpal.run/v1", alias="schema")
    state: Literal["running", "stopped", "failed", "finished"]
    dataset: str
    datasets: tuple[DatasetUsed, ...]
    dataset_digest: str
    split_digest: str
    classes: tuple[str, ...]
    start: str
    start_sha256: str | None = Field(default=None, description="of the .pt file at the start; null: not a file")
    average_of: tuple[str, ...] = Field(
        default=(), description="SHA-256 of the checkpoints whose mean the weights are; empty: they were trained"
    )
    parent: str | None = None
    train_images: int
    val_images: int
    code_revision: str
    libraries: dict[str, str]
    created: str
    seconds: float | None = Field(default=None, description="wall time of the training, over all attempts")
    cores: int | None = Field(default=None, description="CPU cores of the machine that started the run")
    core_hours_before: float = Field(
        default=0.0, description="of the run whose checkpoint is the start, and of the runs before it"
    )
    epochs_done: int = 0
    best_epoch: int | None = None
    best_map50: float | None = None
    best_map50_95: float | None = None

    @property
    def core_hours(self) -> float | None:
        """Wall time times cores, with the runs before this one; None if it was not recorded."""
        if not self.cores:
            return None
        return (self.seconds or 0.0) / 3600 * self.cores + self.core_hours_before


class RunFolder:
    """The paths of a run, and its small files."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.recipe_file = path / "recipe.yaml"
        self.split_file = path / "split.json"
        self.summary_file = path / "run.json"
        self.epochs_file = path / "epochs.csv"
        self.progress_file = path / "progress.json"
        self.variants_file = path / "variants.json"
        self.last = path / "last.pt"
        self.best = path / "best.pt"
        self.cache = path / "cache"
        self.ray = path / "ray"

    def check_free(self) -> None:
        """Refuse a folder that is in use.

        Raises:
            RunExistsError: there is something in it.
        """
        if self.path.exists() and any(self.path.iterdir()):
            raise RunExistsError(
                f"{self.path} is not empty",
                "A run never writes over another one.",
                "Choose another --out, or go on with this run: --resume.",
            )

    @contextmanager
    def held(self, patience_s: float = PATIENCE_S) -> Iterator[None]:
        """Be the only process that trains into this folder, for as long as this lasts; ends with the process too.

        A command that is killed leaves workers on a cluster, which train on until Ray has noticed.

        Raises:
            RunBusyError: another process did not let go.
        """
        with (self.path / ".held").open("w") as file:
            end = time.monotonic() + patience_s
            while not _locked(file):
                if time.monotonic() > end:
                    raise RunBusyError(
                        f"another process trains into {self.path}",
                        f"It did not let go for {patience_s:g} s.",
                        "Wait until it has ended, or end it; then go on with --resume.",
                    )
                time.sleep(POLL_S)
            yield

    def read_recipe(self) -> Recipe:
        """The recipe as run.

        Raises:
            RunMissingError: this folder holds no run.
        """
        if not self.recipe_file.is_file():
            raise RunMissingError(
                f"{self.path} holds no run", "recipe.yaml is not there.", "Name the --out folder of carpal train run."
            )
        return read_recipe(self.recipe_file)

    def write_recipe(self, recipe: Recipe) -> None:
        """Replace recipe.yaml."""
        write_whole(self.recipe_file, recipe_yaml(recipe))

    def read_split(self) -> Split | None:
        """The parts as the run dealt them; None before it did."""
        if not self.split_file.is_file():
            return None
        parts = orjson.loads(self.split_file.read_bytes())["parts"]
        return Split({part: tuple(parts[part]) for part in PARTS})

    def write_split(self, split: Split) -> None:
        """Replace split.json."""
        body = {"digest": split.digest, "parts": split.parts}
        write_whole(self.split_file, orjson.dumps(body, option=orjson.OPT_INDENT_2))

    def read_summary(self) -> Summary:
        """run.json.

        Raises:
            RunMissingError: this folder holds no run.
        """
        if not self.summary_file.is_file():
            raise RunMissingError(
                f"{self.path} holds no run", "run.json is not there.", "Name the --out folder of carpal train run."
            )
        return Summary.parse_json(self.summary_file.read_bytes(), source=self.summary_file)

    def write_summary(self, summary: Summary) -> None:
        """Replace run.json."""
        write_whole(self.summary_file, summary.to_json(indent=True))

    def read_epochs(self) -> list[Epoch]:
        """The epochs so far."""
        if not self.epochs_file.is_file():
            return []
        with self.epochs_file.open(encoding="utf-8", newline="") as stream:
            return [_epoch(row) for row in csv.DictReader(stream)]

    def write_epochs(self, epochs: list[Epoch]) -> None:
        """Replace epochs.csv."""
        names = list(dict.fromkeys(name for epoch in epochs for name in epoch.figures()))
        lines = [",".join(names)]
        for epoch in epochs:
            figures = epoch.figures()
            cells = [figures.get(name) for name in names]
            lines.append(",".join("" if cell is None else f"{cell:.6g}" for cell in cells))
        write_whole(self.epochs_file, ("\n".join(lines) + "\n").encode())

    def read_progress(self) -> tuple[int, int]:
        """Steps done and steps in all; (0, 0) before the first."""
        try:
            progress = orjson.loads(self.progress_file.read_bytes())
            return int(progress["step"]), int(progress["steps"])
        except (OSError, orjson.JSONDecodeError):
            return 0, 0

    def write_progress(self, step: int, steps: int) -> None:
        """Say how far the run is; replaced in one go, read by the driver."""
        write_whole(self.progress_file, orjson.dumps({"step": step, "steps": steps}), sync=False)


def write_whole(path: Path, body: bytes, *, sync: bool = True) -> None:
    """Write a file under another name, then put it in place.

    Raises:
        DiskFullError: there is no room for it.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with told_if_full(path), temporary.open("wb") as stream:
            stream.write(body)
            if sync:
                stream.flush()
                os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _epoch(row: Mapping[str, str]) -> Epoch:
    return Epoch(
        epoch=int(row["epoch"]),
        seconds=float(row["seconds"]),
        box_loss=float(row["box_loss"]),
        class_loss=float(row["class_loss"]),
        dfl_loss=float(row["dfl_loss"]),
        lr=float(row["lr"]),
        map50=float(row["map50"]) if row["map50"] else None,
        map50_95=float(row["map50_95"]) if row["map50_95"] else None,
        map50_by_dataset={
            name.removeprefix(BY_DATASET): float(value)
            for name, value in row.items()
            if name.startswith(BY_DATASET) and value
        },
    )
