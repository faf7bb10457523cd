from pathlib import Path

import pytest
import torch

from carpal_training.checkpoint import Checkpoint, check_classes, load_checkpoint, save_checkpoint
from carpal_training.errors import ClassesDifferError, RunMissingError, WeightsInvalidError


@pytest.fixture
def checkpoint() -> Checkpoint:
    weights = {"layer.weight": torch.ones(2, 2)}
    return Checkpoint("yolov8n", ["a", "b"], 3, 40, 0.5, weights, weights, {"state": {}, "param_groups": []})


def test_a_checkpoint_reads_back_the_same(checkpoint: Checkpoint, tmp_path: Path) -> None:
    save_checkpoint(checkpoint, tmp_path / "last.pt")
    loaded = load_checkpoint(tmp_path / "last.pt")
    assert (loaded.classes, loaded.epochs_done, loaded.updates, loaded.best) == (["a", "b"], 3, 40, 0.5)
    torch.testing.assert_close(dict(loaded.average), dict(checkpoint.average))
    assert [path.name for path in tmp_path.iterdir()] == ["last.pt"]


def test_a_missing_checkpoint_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunMissingError):
        load_checkpoint(tmp_path / "last.pt")


@pytest.mark.parametrize("size", [0, 100, 900])
def test_a_file_cut_short_is_refused(checkpoint: Checkpoint, tmp_path: Path, size: int) -> None:
    path = tmp_path / "last.pt"
    save_checkpoint(checkpoint, path)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(WeightsInvalidError):
        load_checkpoint(path)


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path: Path) -> None:
    torch.save({"architecture": Path("/")}, tmp_path / "evil.pt")
    with pytest.raises(WeightsInvalidError):
        load_checkpoint(tmp_path / "evil.pt")


def test_other_classes_are_named() -> None:
    check_classes(["a", "b"], ["a", "b"], "weights")
    with pytest.raises(ClassesDifferError, match=r"b, a.*a, b"):
        check_classes(["b", "a"], ["a", "b"], "weights")
