"""What came of the trials, read from their folders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from carpal.document import Document
from carpal_training.distributed.search import FAILED
from carpal_training.run import RunFolder
from carpal_training.search.plan import Search, Trial

State = Literal["whole", "ended early", "diverged", "not begun"]


class Outcome(Document):
    """One trial."""

    trial: int
    state: State
    epochs: int
    best_epoch: int | None = None
    best_map50: float | None = None
    best_map50_95: float | None = None
    seconds: float
    changes: dict[str, str | int | float | bool | None]


class Found(Document):
    """search.json."""

    schema_: Literal["carpal.search/v1"] = Field(default="carpal.search/v1", alias="schema")
    search: Search
    dataset: str
    dataset_digest: str
    split_digest: str
    code_revision: str
    libraries: dict[str, str]
    best: int = Field(description="number of the best trial")
    trials: tuple[Outcome, ...]
    command: str


def read_outcome(trial: Trial, folder: RunFolder) -> Outcome:
    """What a trial's folder says."""
    done = folder.read_epochs()
    best = max(done, key=lambda epoch: (epoch.map50_95 or 0.0, epoch.epoch), default=None)
    return Outcome(
        trial=trial.number,
        state=_state(folder, len(done), trial.recipe.epochs),
        epochs=len(done),
        best_epoch=best and best.epoch,
        best_map50=best and best.map50,
        best_map50_95=best and best.map50_95,
        seconds=round(sum(epoch.seconds for epoch in done), 1),
        changes=trial.changes,
    )


def _state(folder: RunFolder, done: int, epochs: int) -> State:
    if (folder.path / FAILED).is_file():
        return "diverged"
    if not done:
        return "not begun"
    return "whole" if done == epochs else "ended early"


def best_of(outcomes: Sequence[Outcome]) -> Outcome | None:
    """The one with the highest mAP50-95 of those that did not diverge; the first of equals."""
    sound = [one for one in outcomes if one.best_map50_95 is not None and one.state != "diverged"]
    return max(sound, key=lambda one: (one.best_map50_95 or 0.0, -one.trial), default=None)


def table(outcomes: Sequence[Outcome]) -> bytes:
    """trials.csv, the best first."""
    keys = sorted({key for one in outcomes for key in one.changes})
    lines = [",".join(["trial", "state", "epochs", "best_epoch", "best_map50", "best_map50_95", "seconds", *keys])]
    for one in sorted(outcomes, key=lambda one: (-(one.best_map50_95 or -1.0), one.trial)):
        figures: list[Any] = [one.trial, one.state, one.epochs, one.best_epoch, one.best_map50, one.best_map50_95]
        cells = [*figures, one.seconds, *(one.changes.get(key) for key in keys)]
        lines.append(",".join(map(_cell, cells)))
    return ("\n".join(lines) + "\n").encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
