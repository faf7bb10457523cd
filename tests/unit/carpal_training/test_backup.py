from pathlib import Path

import pytest

from carpal.packages.errors import LocationUnsupportedError
from carpal_training.backup import Backup, FolderPlace, fetch_run, open_place
from carpal_training.errors import RunMissingError
from carpal_training.recipe import Recipe
from carpal_training.run import Epoch, RunFolder, write_whole

EPOCH = Epoch(1, 2.5, 1.0, 2.0, 3.0, 0.01, 0.5, 0.25)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run of one epoch; what is no summary and no checkpoint is copied all the same."""
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    run.write_recipe(Recipe(epochs=2))
    run.write_epochs([EPOCH])
    for path in (run.split_file, run.summary_file, run.best, run.last):
        write_whole(path, path.name.encode())
    return run


def test_a_run_is_copied_after_an_epoch_and_fetched_elsewhere(folder: RunFolder, tmp_path: Path) -> None:
    place = open_place(str(tmp_path / "copy"))
    Backup(folder, place, pytest.fail).note(EPOCH)
    elsewhere = RunFolder(tmp_path / "elsewhere")
    fetch_run(place, elsewhere, "copy")
    assert elsewhere.read_epochs() == [EPOCH]
    assert elsewhere.read_recipe() == folder.read_recipe()
    assert elsewhere.last.read_bytes() == b"last.pt"
    assert sorted(path.name for path in (tmp_path / "copy").iterdir()) == sorted(
        path.name for path in folder.path.iterdir()
    )


def test_what_has_not_changed_is_not_sent_again(folder: RunFolder, tmp_path: Path) -> None:
    sent: list[str] = []

    class Counted(FolderPlace):
        def put(self, source: Path) -> None:
            sent.append(source.name)
            super().put(source)

    backup = Backup(folder, Counted(tmp_path / "copy"), pytest.fail)
    backup.note(EPOCH)
    assert sent[-1] == "last.pt"  # whoever finds it finds all the others
    sent.clear()
    write_whole(folder.last, b"second")
    backup.close()
    assert sent == ["last.pt"]


def test_a_place_that_cannot_be_written_is_said_and_tried_again(folder: RunFolder, tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "copy").write_text("a file in the way")
    backup = Backup(folder, open_place(str(tmp_path / "copy")), said.append)
    backup.note(EPOCH)
    assert len(said) == 1
    assert "not up to date after epoch 1, recipe.yaml was not written" in said[0]
    (tmp_path / "copy").unlink()
    backup.close()
    assert (tmp_path / "copy/last.pt").is_file()


def test_a_copy_without_a_checkpoint_is_no_run(folder: RunFolder, tmp_path: Path) -> None:
    folder.last.unlink()
    place = FolderPlace(tmp_path / "copy")
    Backup(folder, place, pytest.fail).note(EPOCH)
    with pytest.raises(RunMissingError, match=r"last\.pt is not there"):
        fetch_run(place, RunFolder(tmp_path / "elsewhere"), "copy")
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("location", ["gs://bucket/run", "s3://", "s3:///run"])
def test_a_place_of_another_kind_is_refused(location: str) -> None:
    with pytest.raises(LocationUnsupportedError):
        open_place(location)
