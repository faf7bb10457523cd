"""Files and folders to records: every file gets a record or an error, in the order in which the files were found."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import overload

from carpal.errors import CarpalError, ServiceError
from carpal.file_tree import files_below
from carpal.imaging.errors import NotAnImageError
from carpal.imaging.radiograph import Radiograph
from carpal.imaging.readers import DICOM, SUFFIXES, sniff
from carpal.records.errors import NoImagesError, OutputInInputError, OutputNotWritableError
from carpal.records.record import Record
from carpal.records.recorders import Recorder

AHEAD = 3
# MediaStorageSOPClassUID of the index of a medium (PS3.10), as it lies in a meta header; the file has no image.
DICOMDIR = b"\x02\0\x02\0UI\x14\x001.2.840.10008.1.3.10"
_HEAD_BYTES = 1024
ERRORS = "errors.jsonl"
"""In every folder of results."""


@dataclass(frozen=True)
class Failure:
    """A writer that could not write one file's form."""

    writer: str
    error: CarpalError


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    Attributes:
        path: the file.
        name: its stem, with a number behind it where another file has the same.
        record: where it worked.
        error: where it did not.
        failures: what ``keep`` could not write of it.
    """

    path: Path
    name: str
    record: Record | None = None
    error: CarpalError | None = None
    failures: tuple[Failure, ...] = ()


Keep = Callable[[Path, str, Radiograph, Record], tuple[Failure, ...]]


class Files(Sequence[Path]):
    """Paths, held as their text: a tenth of what as many Path objects take."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)

    def __len__(self) -> int:
        return len(self._names)

    @overload
    def __getitem__(self, index: int) -> Path: ...

    @overload
    def __getitem__(self, index: slice) -> Files: ...

    def __getitem__(self, index: int | slice) -> Path | Files:
        return Files(self._names[index]) if isinstance(index, slice) else Path(self._names[index])


def find_images(paths: Sequence[Path], *, out: Path | None = None, places: Collection[str] = ()) -> Files:
    """The files to convert: those named, whatever they are, and in folders all that look like images, in sorted order.

    Results of a run are no input of the next: left out are the folder ``out`` below a given folder, and the folders
    ``places`` of each folder that holds the results of a run (it has an errors.jsonl).

    Args:
        paths: files and folders.
        out: the folder of the results.
        places: names of the folders that a run makes in it.

    Raises:
        NoImagesError: a path does not exist, or there is no image in all of them.
        OutputInInputError: an image is in a folder of ``out`` to which results are written.
        FolderUnreadableError: a folder cannot be listed.
    """
    found: dict[str, None] = {}
    results = out.resolve() if out else None

    def skip(folder: Path) -> bool:
        earlier = folder.name in places and (folder.parent / ERRORS).is_file()
        return earlier or folder.resolve() == results

    for path in paths:
        if path.is_dir():
            found.update((str(file), None) for file in files_below(path, skip=skip) if _looks_like_an_image(file))
        elif path.exists():
            found[str(path)] = None
        else:
            raise NoImagesError(f"{path} does not exist", "Each path is a file or a folder.", "Check the path.")
    if not found:
        raise NoImagesError(
            f"no image in {', '.join(str(path) for path in paths)}",
            f"Files count that end in {', '.join(SUFFIXES)} or begin like a PNG, JPEG or DICOM file.",
            "Give a folder that holds some, or name the files.",
        )
    if results:
        _check_apart(found, results, places)
    return Files(tuple(found))


def records_of(
    paths: Sequence[Path], recorder: Recorder, *, workers: int, keep: Keep | None = None
) -> Iterator[Outcome]:
    """Record files on several threads; results come in the order of the files.

    At most three times as many images as workers are in memory. A file that fails gives an outcome with its error, and
    the others go on. Closing the iterator waits for the files in hand and starts no others. What ``keep`` writes has
    threads of its own, because a worker that waits for the disk leaves its core idle.

    Args:
        paths: the files.
        recorder: makes the records.
        workers: how many files at once.
        keep: called on another thread with path, name, radiograph and record, to write what needs the pixels; gives
            what failed. Several files are kept at once.

    Raises:
        ServiceError: the service is gone, so that no other file could be recorded.
        OutputNotWritableError: ``keep`` could not write.
    """
    recording = ThreadPoolExecutor(workers, thread_name_prefix="convert")
    keeping = ThreadPoolExecutor(workers, thread_name_prefix="convert-keep")
    waiting: deque[Future[Future[Outcome]]] = deque()

    def work(path: Path, name: str) -> Future[Outcome]:
        outcome, radiograph = _recorded(path, name, recorder)
        return keeping.submit(_kept, outcome, radiograph, keep)

    try:
        for path, name in _named(paths):
            waiting.append(recording.submit(work, path, name))
            if len(waiting) >= AHEAD * workers:
                yield waiting.popleft().result().result()
        while waiting:
            yield waiting.popleft().result().result()
    finally:
        recording.shutdown(wait=True, cancel_futures=True)
        keeping.shutdown(wait=True, cancel_futures=True)


def _recorded(path: Path, name: str, recorder: Recorder) -> tuple[Outcome, Radiograph | None]:
    try:
        radiograph, record = recorder.record(path)
    except (ServiceError, OutputNotWritableError):
        raise
    except Exception as failure:  # a fault of ours on one file must not cost the others their records
        return Outcome(path, name, error=as_error(failure)), None
    return Outcome(path, name, record=record), radiograph


def _kept(outcome: Outcome, radiograph: Radiograph | None, keep: Keep | None) -> Outcome:
    if keep is None or radiograph is None or outcome.record is None:
        return outcome
    try:
        return replace(outcome, failures=keep(outcome.path, outcome.name, radiograph, outcome.record))
    except OutputNotWritableError:
        raise
    except Exception as failure:
        return Outcome(outcome.path, outcome.name, error=as_error(failure))


def as_error(failure: Exception) -> CarpalError:
    """Any failure as one of the tree."""
    if isinstance(failure, CarpalError):
        return failure
    return CarpalError(
        f"{type(failure).__name__}: {failure}",
        "This is a fault of carpal itself.",
        "Convert this file alone with --debug, and report what it says.",
    )


def _named(paths: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Each file with a name of its own."""
    numbered = _numbered(paths)
    for index, path in enumerate(paths):
        yield path, numbered.get(index, path.stem)


def _numbered(paths: Sequence[Path]) -> dict[int, str]:
    """New names for the files whose stem is taken, also where file systems do not tell upper from lower case.

    They are found before the first file is read and only the few that differ are kept, so that a run of many files
    does not grow.
    """
    seen: set[str] = set()
    numbered: dict[int, str] = {}
    for index, path in enumerate(paths):
        name, number = path.stem, 1
        while name.lower() in seen:
            number += 1
            name = f"{path.stem}-{number}"
        if number > 1:
            numbered[index] = name
        seen.add(name.lower())
    return numbered


def _check_apart(files: Iterable[str], results: Path, places: Collection[str]) -> None:
    written = {results / place for place in places}
    for folder in sorted({Path(file).parent for file in files}):
        place = folder.resolve()
        if not written.isdisjoint((place, *place.parents)):
            raise OutputInInputError(
                f"{folder} holds images, and results would be written there",
                "A picture of findings has the name of its image and would replace it.",
                "Give another folder with --out.",
            )


def _looks_like_an_image(path: Path) -> bool:
    """By its suffix, so that a broken PNG is reported and not passed over; else by how it begins."""
    if path.suffix.lower() in SUFFIXES:
        return True
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        return sniff(head) != DICOM or DICOMDIR not in head
    except (OSError, NotAnImageError):
        return False
