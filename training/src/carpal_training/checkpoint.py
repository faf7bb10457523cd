"""A checkpoint of a run: everything that is needed to go on, or to export.

Tensors and plain values only, so that reading one never runs code from it.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from carpal_training.errors import ClassesDifferError, RunMissingError, WeightsInvalidError
from carpal_training.full_disk import told_if_full

State = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class Checkpoint:
    """The state after a whole number of epochs.

    Attributes:
        architecture, classes: what the weights are for.
        epochs_done: epochs behind it; updates: steps in the average.
        weights: of the network in training; average: of its moving average, the ones to use.
        optimizer: its state dictionary; best: the best fitness so far; stale: validations since then.
        history: each epoch's line of epochs.csv, by name, which a process that dies now has not written there yet.
    """

    architecture: str
    classes: list[str]
    epochs_done: int
    updates: int
    best: float
    weights: State
    average: State
    optimizer: dict[str, Any]
    stale: int = 0
    history: Sequence[Mapping[str, Any]] = ()


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write it whole or not at all.

    Raises:
        DiskFullError: there is no room for it.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with told_if_full(path), temporary.open("wb") as stream:
            torch.save(dict(vars(checkpoint)), stream)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read one.

    Raises:
        RunMissingError: there is none.
        WeightsInvalidError: the file is no checkpoint of ours.
    """
    if not path.is_file():
        raise RunMissingError(
            f"{path} is not there",
            "A run writes its checkpoint after each epoch.",
            "Name a run that has finished an epoch.",
        )
    try:
        return Checkpoint(**torch.load(path, map_location="cpu", weights_only=True))
    except (RuntimeError, TypeError, EOFError, pickle.UnpicklingError, KeyError) as failure:
        raise WeightsInvalidError(
            f"{path} is no checkpoint of carpal: {failure}", "It may be cut short.", "Train again."
        ) from failure


def is_checkpoint(path: Path) -> bool:
    """Whether a .pt file holds plain tensors and values only, as ours do; false for the pickle of a network.

    Raises:
        RunMissingError: there is none.
        WeightsInvalidError: it cannot be read at all.
    """
    if not path.is_file():
        load_checkpoint(path)
    try:
        return not torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except (RuntimeError, EOFError, ValueError, pickle.UnpicklingError, KeyError) as failure:
        raise WeightsInvalidError(
            f"{path} is no checkpoint of carpal: {failure}", "It may be cut short.", "Train again."
        ) from failure


def check_classes(found: list[str], wanted: list[str], source: str) -> None:
    """Refuse weights whose classes are not those of the dataset, in the same order.

    Raises:
        ClassesDifferError: naming both lists.
    """
    if found != wanted:
        raise ClassesDifferError(
            f"{source} knows the classes {', '.join(found)}; the dataset has {', '.join(wanted)}",
            "The head's channels stand for classes by position.",
            "Start from scratch or from weights with the same classes in the same order.",
        )
