"""All that one run writes: the chosen formats, and errors.jsonl for what failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from carpal.errors import CarpalError
from carpal.imaging.radiograph import Radiograph
from carpal.records.convert import ERRORS, Failure, Outcome, as_error
from carpal.records.errors import OutputNotWritableError
from carpal.records.growing import remove_leftovers
from carpal.records.jsonl import JsonLines, make_folder, write_whole
from carpal.records.record import Record
from carpal.records.writers.formats import Format
from carpal.records.writers.writer import Collector, Converted, Entry


class Outputs:
    """Writes what the formats make of each record; one that fails is named in errors.jsonl and the others go on.

    Leaving the context publishes all collecting files as far as they have come, and errors.jsonl last.

    Args:
        out: the folder for everything; it is made.
        formats: what to write, loaded.

    Attributes:
        recorded: files that have a record.
        unread: files that have none.
        unwritten: writers' failures.
    """

    def __init__(self, out: Path, formats: Sequence[Format]) -> None:
        self.recorded = self.unread = self.unwritten = 0
        self._out = out
        self._formats = formats
        self._errors = JsonLines(out / ERRORS)
        self._collectors: dict[str, Collector] = {}

    def __enter__(self) -> Self:
        for folder in {self._out, *(self._out / one.folder for one in self._formats)}:
            make_folder(folder)
            remove_leftovers(folder)
        self._errors.open()
        try:
            for one in self._formats:
                if one.collect is not None:
                    collector = one.collect(self._out)
                    collector.open()
                    self._collectors[one.name] = collector
        except BaseException:
            self._publish()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._publish()

    def keep(self, path: Path, name: str, radiograph: Radiograph, record: Record) -> tuple[Failure, ...]:
        """Write the files that belong to one radiograph; called on several threads at once.

        Raises:
            OutputNotWritableError: the disk is full or gone.
        """
        one = Converted(path, name, record, radiograph)
        failures = (_attempt(each.name, partial(self._render, each, one)) for each in self._formats)
        return tuple(failure for failure in failures if failure)

    def add(self, outcome: Outcome) -> None:
        """Append one outcome to the collecting files, or its errors to errors.jsonl; in the order of the files.

        Raises:
            OutputNotWritableError: the disk is full or gone.
        """
        if outcome.error is not None:
            self.unread += 1
            self._say(outcome.path, outcome.error)
        if outcome.record is None:
            return
        self.recorded += 1
        entry = Entry(outcome.path, outcome.name, outcome.record)
        for failure in outcome.failures:
            self._say(outcome.path, failure.error, failure.writer)
        for name, collector in self._collectors.items():
            if failed := _attempt(name, partial(collector.add, entry)):
                self._say(outcome.path, failed.error, failed.writer)

    def _render(self, one: Format, converted: Converted) -> None:
        if one.render is not None:
            for place, body in one.render(converted).items():
                write_whole(self._out / place, body)

    def _publish(self) -> None:
        """Close everything, whatever one of them says; what the disk refused is raised at the end."""
        refused: OutputNotWritableError | None = None
        for name, collector in self._collectors.items():
            try:
                if failed := _attempt(name, collector.close):
                    self._say(self._out, failed.error, name)
            except OutputNotWritableError as failure:
                refused = refused or failure
        self._errors.close()
        if refused is not None:
            raise refused

    def _say(self, path: Path, error: CarpalError, writer: str | None = None) -> None:
        """One line of errors.jsonl; it has a writer where the record is there and one form of it is not."""
        named = {} if writer is None else {"writer": writer}
        self.unwritten += writer is not None
        # A file name may have bytes that are no text, which JSON cannot hold.
        text = str(path).encode(errors="replace").decode()
        self._errors.write({"path": text, **named, **error.as_dict()})


def _attempt(writer: str, work: Callable[[], object]) -> Failure | None:
    """What went wrong in one writer; a disk that refuses goes through, because it would refuse every other file."""
    try:
        work()
    except OutputNotWritableError:
        raise
    except Exception as failure:  # a fault of ours in one writer must not cost the others theirs
        return Failure(writer, as_error(failure))
    return None
