"""The raw measurement: one row a request, from which every figure is computed."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from carpal_loadtests.answers import Outcome

COLUMNS = ("index", "intended_s", "start_s", "end_s", "status", "code", "outcome", "bytes")


@dataclass(frozen=True)
class Row:
    """One request of the plan that came due. Times are seconds since the start of the run, on one monotonic clock."""

    index: int
    """Place in the schedule; together with the seed it names the payload."""
    intended_s: float
    """When the schedule wanted it sent."""
    start_s: float | None
    """When it was sent; None where it was dropped."""
    end_s: float | None
    """When the last byte of the answer was there, or the failure known; None where dropped or open."""
    status: int
    """HTTP status; 0 where there was no answer."""
    code: str
    """Error code of the service, or answer.* and transport.* for what the generator saw."""
    outcome: Outcome
    bytes: int
    """Size of the answer's body."""

    @property
    def latency_s(self) -> float | None:
        """From the INTENDED send time: what a caller on this schedule waits, free of coordinated omission."""
        return None if self.end_s is None else self.end_s - self.intended_s

    @property
    def service_s(self) -> float | None:
        """From the true send time: what the target took."""
        return None if self.end_s is None or self.start_s is None else self.end_s - self.start_s

    @property
    def lag_s(self) -> float | None:
        """How late the generator was."""
        return None if self.start_s is None else self.start_s - self.intended_s

    def fields(self) -> tuple[str, ...]:
        """The row as text, in the order of COLUMNS; times to a microsecond."""
        times = ("" if at is None else f"{at:.6f}" for at in (self.intended_s, self.start_s, self.end_s))
        return (str(self.index), *times, str(self.status), self.code, self.outcome.value, str(self.bytes))

    @classmethod
    def parse(cls, fields: dict[str, str]) -> Self:
        """The inverse of ``fields``."""
        start, end = fields["start_s"], fields["end_s"]
        return cls(
            index=int(fields["index"]),
            intended_s=float(fields["intended_s"]),
            start_s=float(start) if start else None,
            end_s=float(end) if end else None,
            status=int(fields["status"]),
            code=fields["code"],
            outcome=Outcome(fields["outcome"]),
            bytes=int(fields["bytes"]),
        )


class RowWriter:
    """Writes rows as they come, so that a run that is cut off keeps what was measured."""

    def __init__(self, stream: IO[str]) -> None:
        self._writer = csv.writer(stream, lineterminator="\n")
        self._writer.writerow(COLUMNS)

    def write(self, rows: Iterable[Row]) -> None:
        """Write rows in the order given."""
        self._writer.writerows(row.fields() for row in rows)


def read_rows(path: Path) -> list[Row]:
    """Every whole row of a file, by index; a last line that was cut off is left out."""
    with path.open(newline="") as stream:
        lines = (line for line in stream if line.endswith("\n"))
        return sorted(_parsed(lines), key=lambda row: row.index)


def _parsed(lines: Iterable[str]) -> Iterator[Row]:
    for fields in csv.DictReader(lines):
        yield Row.parse(fields)
