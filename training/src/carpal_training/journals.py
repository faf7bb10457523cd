"""Where epochs are noted beside epochs.csv: TensorBoard and MLflow, extras that are imported only if asked for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from carpal_training.errors import JournalMissingError
from carpal_training.run import Epoch

Settings = Mapping[str, str | int | float | bool | None]


class Journal(Protocol):
    """Takes note of epochs."""

    def note(self, epoch: Epoch) -> None:
        """One more epoch is done."""

    def close(self) -> None:
        """The run has ended, one way or another."""


class TensorBoardJournal:
    """Event files in a folder: `tensorboard --logdir FOLDER`.

    Raises:
        JournalMissingError: the extra is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as failure:
            raise _missing("tensorboard", failure) from failure
        self._writer = SummaryWriter(str(folder))

    def note(self, epoch: Epoch) -> None:
        """One scalar a figure, at the number of the epoch."""
        for name, value in figures(epoch).items():
            self._writer.add_scalar(name, value, epoch.epoch)
        self._writer.flush()

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()


class MlflowJournal:
    """A run in an MLflow store: a folder, or the address of a server.

    Args:
        store: of runs.
        name: of this run.
        settings: noted as the run's parameters.

    Raises:
        JournalMissingError: the extra is not installed.
    """

    def __init__(self, store: str, name: str, settings: Settings) -> None:
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # a folder needs no database
        try:
            from mlflow import MlflowClient
        except ImportError as failure:
            raise _missing("mlflow", failure) from failure
        self._client = MlflowClient(store if "://" in store else Path(store).resolve().as_uri())
        known = self._client.get_experiment_by_name("carpal")
        experiment = known.experiment_id if known else self._client.create_experiment("carpal")
        self._run = self._client.create_run(experiment, run_name=name).info.run_id
        for key, value in settings.items():
            self._client.log_param(self._run, key, value)

    def note(self, epoch: Epoch) -> None:
        """One metric a figure, at the number of the epoch."""
        for name, value in figures(epoch).items():
            self._client.log_metric(self._run, name, value, step=epoch.epoch)

    def close(self) -> None:
        """Mark the run as ended."""
        self._client.set_terminated(self._run)


def figures(epoch: Epoch) -> dict[str, float]:
    """What was measured in an epoch, by name; nothing for what was not."""
    return {name: value for name, value in epoch.figures().items() if name != "epoch" and value is not None}


def _missing(name: str, failure: ImportError) -> JournalMissingError:
    return JournalMissingError(
        f"--{name} needs a library that does not load: {failure}",
        "It is an extra, because training runs without it too.",
        f"Install it with: pip install 'carpal-training[{name}]'.",
    )
