"""What a writer is: it renders one radiograph to files, or collects all records of a run in one.

A ``Render`` is a pure function: it is called on a worker's thread, several at once, and gives bytes by the path below
the output folder where they belong. A ``Collector`` gets the records one by one in the order of the files, on one
thread, and holds nothing of them: what it makes appears whole when it is closed, however the run ends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from pydicom import Dataset, dcmread

from carpal.imaging.dicom_file import accept_foreign_values
from carpal.imaging.radiograph import Radiograph
from carpal.imaging.readers import DICOM
from carpal.records.record import Record


@dataclass(frozen=True)
class Entry:
    """A record, the file that it speaks of, and the name of its own that its outputs carry."""

    path: Path
    name: str
    record: Record


@dataclass(frozen=True)
class Converted(Entry):
    """An entry with its pixels."""

    radiograph: Radiograph

    @cached_property
    def dataset(self) -> Dataset | None:
        """The DICOM header that the image came with, without its pixels; None where it is no DICOM file."""
        if self.record.source.media_type != DICOM:
            return None
        accept_foreign_values()
        # Files without preamble are radiographs too; this one was read once already, so it is no other thing.
        return dcmread(self.path, force=True, stop_before_pixels=True)


Render = Callable[[Converted], Mapping[str, bytes]]


class Collector(Protocol):
    """Appends to a file or a few of them, in constant memory."""

    def open(self) -> object:
        """Begin; the folder of its files is there."""

    def add(self, entry: Entry) -> None:
        """Append one record, wholly or, where it raises, not at all."""

    def close(self) -> None:
        """Publish what was added."""
