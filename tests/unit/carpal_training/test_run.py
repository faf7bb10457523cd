import subprocess
import sys
from pathlib import Path

import pytest

from carpal_training.errors import RunBusyError, RunExistsError, RunMissingError
from carpal_training.run import Epoch, RunFolder, write_whole

EPOCHS = [Epoch(1, 2.5, 1.0, 2.0, 3.0, 0.01, None, None), Epoch(2, 2.5, 0.5, 1.0, 1.5, 0.001, 0.25, 0.125)]


def test_epochs_read_back_with_blanks_where_nothing_was_validated(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert folder.read_epochs() == []
    folder.write_epochs(EPOCHS)
    assert folder.read_epochs() == EPOCHS
    assert folder.epochs_file.read_text().splitlines()[1].endswith(",,")


def test_progress_reads_back_and_is_zero_before_the_first_step(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert folder.read_progress() == (0, 0)
    folder.write_progress(3, 10)
    assert folder.read_progress() == (3, 10)


def test_a_folder_with_something_in_it_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("x")
    with pytest.raises(RunExistsError):
        RunFolder(tmp_path).check_free()


def test_a_folder_without_a_run_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunMissingError):
        RunFolder(tmp_path).read_summary()
    with pytest.raises(RunMissingError):
        RunFolder(tmp_path).read_recipe()


def test_a_whole_file_replaces_the_old_one_and_leaves_nothing_beside(tmp_path: Path) -> None:
    write_whole(tmp_path / "file", b"old")
    write_whole(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


HOLD = """
import sys
from pathlib import Path
from carpal_training.run import RunFolder
with RunFolder(Path(sys.argv[1])).held():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_one_process_trains_into_a_folder_and_the_next_once_it_was_killed(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    first = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert first.stdout is not None
    assert first.stdout.readline() == "held\n"
    with pytest.raises(RunBusyError, match="another process"), folder.held(patience_s=0.0):
        raise AssertionError("held twice")
    first.kill()
    first.communicate()
    with folder.held(patience_s=0.0):
        assert folder.path.is_dir()


def test_accuracy_by_dataset_has_a_column_each_and_reads_back(tmp_path: Path) -> None:
    epochs = [
        Epoch(1, 2.5, 1.0, 2.0, 3.0, 0.01, None, None),
        Epoch(2, 2.5, 0.5, 1.0, 1.5, 0.001, 0.5, 0.25, {"a": 0.25, "b": 0.75}),
    ]
    folder = RunFolder(tmp_path)
    folder.write_epochs(epochs)
    assert folder.epochs_file.read_text().splitlines()[0].endswith("map50_95,map50 a,map50 b")
    assert folder.read_epochs() == epochs
