from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from carpal_training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from carpal_training.errors import DiskFullError
from carpal_training.full_disk import told_if_full
from carpal_training.run import write_whole

MOST_BYTES = 100_000


@pytest.fixture
def little_room() -> Iterator[None]:
    """This process may write files of so many bytes, as where a disk is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_BYTES, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def checkpoint_of(values: int) -> Checkpoint:
    return Checkpoint("yolov8n", ["a"], 1, 1, 0.5, {"weight": torch.ones(values)}, {}, {})


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_what_the_system_says_of_a_full_disk_comes_out_typed(code: int) -> None:
    with pytest.raises(DiskFullError, match=os.strerror(code)), told_if_full(Path("last.pt")):
        raise OSError(code, os.strerror(code))


@pytest.mark.parametrize("failure", [PermissionError(errno.EACCES, "no"), ValueError("other")])
def test_any_other_failure_passes_as_it_is(failure: Exception) -> None:
    with pytest.raises(type(failure)), told_if_full(Path("last.pt")):
        raise failure


@pytest.mark.usefixtures("little_room")
def test_a_checkpoint_for_which_there_is_no_room_leaves_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    save_checkpoint(checkpoint_of(10), path)
    with pytest.raises(DiskFullError, match=r"last\.pt cannot be written"):
        save_checkpoint(checkpoint_of(MOST_BYTES), path)
    assert len(load_checkpoint(path).weights["weight"]) == 10
    assert [one.name for one in tmp_path.iterdir()] == ["last.pt"]


@pytest.mark.usefixtures("little_room")
def test_a_small_file_for_which_there_is_no_room_leaves_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "epochs.csv"
    write_whole(path, b"epoch\n")
    with pytest.raises(DiskFullError, match=r"epochs\.csv"):
        write_whole(path, bytes(MOST_BYTES + 1))
    assert path.read_bytes() == b"epoch\n"
    assert [one.name for one in tmp_path.iterdir()] == ["epochs.csv"]
