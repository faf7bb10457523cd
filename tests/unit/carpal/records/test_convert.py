"""Files and folders to outcomes: everything is found, nothing stops the rest, and memory stays bounded."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from pydicom import FileDataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MediaStorageDirectoryStorage

from carpal.detection.detector import Detector
from carpal.errors import CarpalError
from carpal.imaging.radiograph import Radiograph
from carpal.imaging.readers import read
from carpal.records.convert import AHEAD, Failure, Files, find_images, records_of
from carpal.records.errors import EndpointError, NoImagesError, OutputInInputError, OutputNotWritableError
from carpal.records.record import Record
from carpal.records.recorders import LocalRecorder

Png = Callable[..., bytes]


@pytest.fixture
def folder(tmp_path: Path, grey_png: Png) -> Path:
    """Two good images, two bad ones, one without suffix, and what is no image at all."""
    (tmp_path / "b").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "z.png").write_bytes(grey_png(seed=1))
    (tmp_path / "b" / "z.png").write_bytes(grey_png(seed=2))
    (tmp_path / "a.png").write_bytes(b"nonsense")
    (tmp_path / "cut.PNG").write_bytes(grey_png()[:100])
    (tmp_path / "IM0001").write_bytes(grey_png(seed=3))
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / ".hidden" / "x.png").write_bytes(grey_png())
    (tmp_path / ".x.png").write_bytes(grey_png())
    return tmp_path


def names(found: Sequence[Path], root: Path) -> list[str]:
    return [str(path.relative_to(root)) for path in found]


def test_a_folder_is_walked_in_sorted_order_for_what_looks_like_an_image(folder: Path):
    assert names(find_images([folder]), folder) == ["IM0001", "a.png", "cut.PNG", "z.png", "b/z.png"]


def test_a_named_file_is_taken_whatever_it_is(folder: Path):
    assert names(find_images([folder / "notes.txt", folder / "z.png"]), folder) == ["notes.txt", "z.png"]


def test_the_same_file_is_taken_once(folder: Path):
    assert len(find_images([folder / "z.png", folder / "z.png", folder])) == 5


def test_the_pictures_of_an_earlier_run_are_not_walked_into(folder: Path):
    assert "b/z.png" not in names(find_images([folder], out=folder / "b" / ".." / "b"), folder)


def test_the_results_of_any_earlier_run_are_left_out(folder: Path):
    (folder / "errors.jsonl").touch()
    for place in ("b", "sr"):
        (folder / place).mkdir(exist_ok=True)
    (folder / "z.png").rename(folder / "sr" / "z.png")
    for out in (folder, folder / "elsewhere"):
        assert names(find_images([folder], out=out, places=["sr"]), folder) == ["IM0001", "a.png", "cut.PNG", "b/z.png"]


def test_results_of_a_run_are_searched_if_they_are_what_was_named(folder: Path):
    (folder / "errors.jsonl").touch()
    assert names(find_images([folder / "b"], places=["b"]), folder) == ["b/z.png"]


@pytest.mark.parametrize("deeper", ["", "more"])
@pytest.mark.parametrize("linked", [False, True])
def test_results_never_replace_images(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, deeper: str, linked: bool
):
    (folder / "pictures" / deeper).mkdir(parents=True)
    (folder / "z.png").rename(folder / "pictures" / deeper / "z.png")
    out = folder
    if linked:
        out = tmp_path_factory.mktemp("linked") / "link"
        out.symlink_to(folder)
    for given in (folder, folder / "pictures", folder / "pictures" / deeper / "z.png"):
        with pytest.raises(OutputInInputError, match="results would be written there") as caught:
            find_images([given], out=out, places=["pictures"])
        assert "--out" in caught.value.remedy


def test_images_in_linked_folders_are_found_once(folder: Path, tmp_path_factory: pytest.TempPathFactory, grey_png: Png):
    store = tmp_path_factory.mktemp("store")
    (store / "far.png").write_bytes(grey_png(seed=5))
    (folder / "more").symlink_to(store)
    (folder / "again").symlink_to(store)
    (folder / "circle").symlink_to(folder)
    found = names(find_images([folder]), folder)
    assert found == ["IM0001", "a.png", "cut.PNG", "z.png", "b/z.png", "again/far.png"]


@pytest.mark.parametrize("name", ["control", "pipe.png"])
def test_a_named_pipe_is_no_image(folder: Path, name: str):
    os.mkfifo(folder / name)
    assert name not in names(find_images([folder]), folder)


@pytest.mark.parametrize("name", ["DICOMDIR", "index"])
def test_the_index_of_a_medium_is_no_image_and_no_failure(folder: Path, name: str):
    index = FileMetaDataset()
    index.MediaStorageSOPClassUID, index.MediaStorageSOPInstanceUID = MediaStorageDirectoryStorage, "1.2.3"
    index.TransferSyntaxUID = ExplicitVRLittleEndian
    dcmwrite(folder / name, FileDataset(folder / name, {}, file_meta=index, preamble=b"\0" * 128))
    assert name not in names(find_images([folder]), folder)


def test_a_path_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(NoImagesError, match="nowhere"):
        find_images([tmp_path / "nowhere"])


def test_a_folder_without_images_is_an_error_that_says_what_counts(tmp_path: Path):
    with pytest.raises(NoImagesError, match="no image in") as caught:
        find_images([tmp_path])
    assert ".dcm" in caught.value.why


@pytest.mark.parametrize("workers", [1, 3])
def test_every_file_gets_a_record_or_an_error_in_the_order_of_the_files(folder: Path, detector: Detector, workers: int):
    outcomes = list(records_of(find_images([folder]), LocalRecorder(detector), workers=workers))
    assert [(outcome.name, outcome.record is not None) for outcome in outcomes] == [
        ("IM0001", True),
        ("a", False),
        ("cut", False),
        ("z", True),
        ("z-2", True),
    ]
    codes = [outcome.error.code for outcome in outcomes if outcome.error]
    assert codes == ["image.not-an-image", "image.truncated"]
    assert [outcome.record.source.name for outcome in outcomes if outcome.record] == ["IM0001", "z", "z"]


def test_names_differ_also_where_the_file_system_does_not_tell_cases_apart(tmp_path: Path, detector: Detector):
    paths = [tmp_path / "A.png", tmp_path / "a.jpg", tmp_path / "a-2.png", tmp_path / "a.png"]
    outcomes = records_of(paths, LocalRecorder(detector), workers=1)
    assert [outcome.name for outcome in outcomes] == ["A", "a-2", "a-2-2", "a-3"]


def test_what_keeps_gets_path_name_radiograph_and_record_and_its_failures_come_with_the_record(
    folder: Path, detector: Detector
):
    kept: dict[str, tuple[Path, Radiograph, Record]] = {}
    failure = Failure("sketch", CarpalError("no pencil"))

    def keep(path: Path, name: str, radiograph: Radiograph, record: Record) -> tuple[Failure, ...]:
        kept[name] = (path, radiograph, record)
        return (failure,)

    (outcome,) = records_of([folder / "z.png"], LocalRecorder(detector), workers=1, keep=keep)
    path, radiograph, record = kept["z"]
    assert path == folder / "z.png"
    assert record.source == radiograph.source.model_copy(update={"pixels_digest": radiograph.pixels_digest})
    assert outcome.record == record
    assert outcome.failures == (failure,)


def test_files_are_paths_that_can_be_counted_and_cut():
    files = Files(["a.png", "b/c.png", "d.png"])
    assert list(files) == [Path("a.png"), Path("b/c.png"), Path("d.png")]
    assert list(files[1:]) == [Path("b/c.png"), Path("d.png")]
    assert (len(files), files[-1]) == (3, Path("d.png"))


class Counting:
    """Records nothing; counts how many images are in hand."""

    def __init__(self, png: bytes, error: Exception | None = None) -> None:
        self._radiograph = read(png)
        self._error = error
        self.lock = threading.Lock()
        self.started: list[Path] = []

    def record(self, path: Path) -> tuple[Radiograph, Record]:
        with self.lock:
            self.started.append(path)
        if self._error and path.stem == "1":
            raise self._error
        raise CarpalError("no record is made here")


def files(count: int) -> list[Path]:
    return [Path(f"{index}.png") for index in range(count)]


def test_no_more_images_are_read_than_the_caller_has_taken_and_a_few_ahead(grey_png: Png):
    recorder = Counting(grey_png())
    outcomes = records_of(files(50), recorder, workers=2)
    for taken in range(1, 11):
        next(outcomes)
        assert len(recorder.started) <= taken + AHEAD * 2
    outcomes.close()
    assert len(recorder.started) < 20


def test_a_fault_of_ours_on_one_file_does_not_cost_the_others_theirs(grey_png: Png):
    outcomes = list(records_of(files(3), Counting(grey_png(), ValueError("boom")), workers=1))
    assert [outcome.error.code for outcome in outcomes if outcome.error] == ["internal.unexpected"] * 3
    assert outcomes[1].error is not None
    assert "ValueError: boom" in outcomes[1].error.what


@pytest.mark.parametrize("error", [EndpointError("gone"), OutputNotWritableError("full")])
def test_what_would_fail_for_every_file_ends_the_run(grey_png: Png, error: CarpalError):
    outcomes = records_of(files(50), Counting(grey_png(), error), workers=1)
    assert next(outcomes).error is not None
    with pytest.raises(type(error)):
        list(outcomes)
