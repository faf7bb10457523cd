"""Epochs are noted where TensorBoard and MLflow themselves find them again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from carpal_training.errors import JournalMissingError
from carpal_training.journals import MlflowJournal, TensorBoardJournal, figures
from carpal_training.run import Epoch

FIRST = Epoch(1, 2.0, 0.5, 0.4, 0.3, 0.01, None, None)
SECOND = Epoch(2, 2.0, 0.45, 0.3, 0.2, 0.009, 0.6, 0.25)


def test_what_was_not_measured_is_not_noted():
    assert "map50" not in figures(FIRST)
    assert figures(SECOND)["map50_95"] == 0.25


def test_tensorboard_reads_the_epochs(tmp_path: Path):
    journal = TensorBoardJournal(tmp_path)
    journal.note(FIRST)
    journal.note(SECOND)
    journal.close()
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(tmp_path)).Reload()
    assert [(one.step, round(one.value, 4)) for one in found.Scalars("box_loss")] == [(1, 0.5), (2, 0.45)]
    assert [one.step for one in found.Scalars("map50_95")] == [2]


def test_mlflow_reads_the_epochs_and_the_settings(tmp_path: Path):
    journal = MlflowJournal(str(tmp_path / "store"), "wrist", {"lr": 0.01, "augmentation.mosaic": 1.0})
    journal.note(FIRST)
    journal.note(SECOND)
    journal.close()
    from mlflow import MlflowClient

    client = MlflowClient((tmp_path / "store").as_uri())
    (run,) = client.search_runs([client.get_experiment_by_name("carpal").experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.params == {"lr": "0.01", "augmentation.mosaic": "1.0"}
    assert [(one.step, one.value) for one in client.get_metric_history(run.info.run_id, "box_loss")] == [
        (1, 0.5),
        (2, 0.45),
    ]


@pytest.mark.parametrize(
    ("library", "call"), [("tensorboard", "TensorBoardJournal(Path('x'))"), ("mlflow", "MlflowJournal('x', 'x', {})")]
)
def test_without_the_extra_the_error_says_what_to_install(library: str, call: str):
    code = f"""
import sys
from pathlib import Path
sys.modules[{library!r}] = None
from carpal_training.journals import MlflowJournal, TensorBoardJournal
{call}
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert f"[{JournalMissingError.code}]" in done.stderr
    assert f"carpal-training[{library}]" in done.stderr
