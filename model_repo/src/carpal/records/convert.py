"""Files and folders to records: every file gets a record or an error, in the order in which the files were found."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from carpal.errors import CarpalError, ServiceError
from carpal.imaging.errors import NotAnImageError
from carpal.imaging.radiograph import Radiograph
from carpal.imaging.readers import SNIFFED_BYTES, SUFFIXES, sniff
from carpal.records.errors import NoImagesError, OutputNotWritableError
from carpal.records.record import Record
from carpal.records.recorders import Recorder

AHEAD = 2


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    Attributes:
        path: the file.
        name: its stem, with a number behind it where another file has the same.
        record: where it worked.
        error: where it did not.
    """

    path: Path
    name: str
    record: Record | None = None
    error: CarpalError | None = None


Keep = Callable[[str, Radiograph, Record], None]


def find_images(paths: Sequence[Path], *, skip: Path | None = None) -> list[Path]:
    """The files to convert: those named, whatever they are, and in folders all that look like images, in sorted order.

    Args:
        paths: files and folders.
        skip: a folder that is not walked into, because the pictures of an earlier run lie there.

    Raises:
        NoImagesError: a path does not exist, or there is no image in all of them.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += (file for file in _walk(path, skip) if _looks_like_an_image(file))
        elif path.exists():
            found.append(path)
        else:
            raise NoImagesError(f"{path} does not exist", "Each path is a file or a folder.", "Check the path.")
    if not found:
        raise NoImagesError(
            f"no image in {', '.join(str(path) for path in paths)}",
            f"Files count that end in {', '.join(SUFFIXES)} or begin like a PNG, JPEG or DICOM file.",
            "Give a folder that holds some, or name the files.",
        )
    return list(dict.fromkeys(found))


def records_of(
    paths: Iterable[Path], recorder: Recorder, *, workers: int, keep: Keep | None = None
) -> Iterator[Outcome]:
    """Record files on several threads; results come in the order of the files.

    At most twice as many images as workers are in memory. A file that fails gives an outcome with its error, and the
    others go on. Closing the iterator waits for the files in hand and starts no others.

    Args:
        paths: the files.
        recorder: makes the records.
        workers: how many files at once.
        keep: called on the worker's thread with name, radiograph and record, to make the picture.

    Raises:
        ServiceError: the service is gone, so that no other file could be recorded.
        OutputNotWritableError: ``keep`` could not write.
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="convert")
    waiting: deque[Future[Outcome]] = deque()
    try:
        for path, name in _named(paths):
            waiting.append(pool.submit(_record, path, name, recorder, keep))
            if len(waiting) >= AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _record(path: Path, name: str, recorder: Recorder, keep: Keep | None) -> Outcome:
    try:
        radiograph, record = recorder.record(path)
        if keep is not None:
            keep(name, radiograph, record)
    except (ServiceError, OutputNotWritableError):
        raise
    except CarpalError as failure:
        return Outcome(path, name, error=failure)
    except Exception as failure:  # a fault of ours on one file must not cost the others their records
        return Outcome(path, name, error=_unexpected(failure))
    return Outcome(path, name, record=record)


def _unexpected(failure: Exception) -> CarpalError:
    return CarpalError(
        f"{type(failure).__name__}: {failure}",
        "This is a fault of carpal itself.",
        "Convert this file alone with --debug, and report what it says.",
    )


def _named(paths: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """Each file with a name of its own, also where file systems do not tell upper from lower case."""
    seen: set[str] = set()
    for path in paths:
        name, number = path.stem, 1
        while name.lower() in seen:
            number += 1
            name = f"{path.stem}-{number}"
        seen.add(name.lower())
        yield path, name


def _walk(folder: Path, skip: Path | None) -> Iterator[Path]:
    skipped = skip.resolve() if skip else None
    for place, folders, files in os.walk(folder):
        visible = sorted(name for name in folders if not name.startswith("."))
        folders[:] = [name for name in visible if Path(place, name).resolve() != skipped]
        yield from (Path(place, name) for name in sorted(files) if not name.startswith("."))


def _looks_like_an_image(path: Path) -> bool:
    """By its suffix, so that a broken PNG is reported and not passed over; else by how it begins."""
    if path.suffix.lower() in SUFFIXES:
        return True
    try:
        with path.open("rb") as file:
            sniff(file.read(SNIFFED_BYTES))
    except (OSError, NotAnImageError):
        return False
    return True
