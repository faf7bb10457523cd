"""The raw measurement: one row a request, from which every figure is computed."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import IO, Any, Self

from carpal_loadtests.answers import Outcome

COLUMNS = (
    "index",
    "intended_s",
    "start_s",
    "end_s",
    "status",
    "code",
    "outcome",
    "bytes",
    "payload",
    "attempts",
    "worker",
)

TIME_DIGITS = 6
"""Decimals of the seconds in a row."""


@dataclass(frozen=True, slots=True)
class Row:
    """One request of the plan that came due. Times are seconds since the start of the run, on one monotonic clock."""

    index: int
    """Place in the schedule; together with the seed it names the payload."""
    intended_s: float
    """When the schedule wanted it sent."""
    start_s: float | None
    """When it was sent for the first time; None where it was dropped."""
    end_s: float | None
    """When the last byte of the answer was there, or the failure known; None where dropped or open."""
    status: int
    """HTTP status, for gRPC the one that its status stands for; 0 where there was no answer."""
    code: str
    """Error code of the service, or answer.* and transport.* for what the generator saw."""
    outcome: Outcome
    bytes: int
    """Size of the answer's body."""
    payload: int = 0
    """Place among the plan's payloads."""
    attempts: int = 1
    """How often it was sent; 0 where it was dropped."""
    worker: int = 0
    """The process that sent it."""

    @property
    def latency_s(self) -> float | None:
        """From the INTENDED send time: what a caller on this schedule waits, free of coordinated omission."""
        return None if self.end_s is None else self.end_s - self.intended_s

    @property
    def service_s(self) -> float | None:
        """From the true send time: what the target took, with retries what all attempts took."""
        return None if self.end_s is None or self.start_s is None else self.end_s - self.start_s

    @property
    def lag_s(self) -> float | None:
        """How late the generator was."""
        return None if self.start_s is None else self.start_s - self.intended_s

    def fields(self) -> tuple[str, ...]:
        """The row as text, in the order of COLUMNS; times to a microsecond."""
        times = ("" if at is None else f"{at:.{TIME_DIGITS}f}" for at in (self.intended_s, self.start_s, self.end_s))
        numbers = (str(number) for number in (self.bytes, self.payload, self.attempts, self.worker))
        return (str(self.index), *times, str(self.status), self.code, self.outcome.value, *numbers)

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
            payload=int(fields["payload"]),
            attempts=int(fields["attempts"]),
            worker=int(fields["worker"]),
        )


class RowWriter:
    """Writes rows as they come, as lines of text, so that a run that is cut off keeps what was measured."""

    def __init__(self, stream: IO[str]) -> None:
        self._writer = csv.writer(stream, lineterminator="\n")
        self._writer.writerow(COLUMNS)

    def write(self, rows: Iterable[Row]) -> None:
        """Write rows in the order given."""
        self._writer.writerows(row.fields() for row in rows)


def read_lines(paths: Iterable[Path]) -> list[Row]:
    """Every whole row of the workers' files, by index; a last line that was cut off is left out."""
    found: list[Row] = []
    for path in paths:
        with path.open(newline="") as stream:
            found += _parsed(line for line in stream if line.endswith("\n"))
    return sorted(found, key=lambda row: row.index)


def _parsed(lines: Iterable[str]) -> Iterator[Row]:
    for fields in csv.DictReader(lines):
        yield Row.parse(fields)


def write_parquet(rows: Sequence[Row], stream: IO[bytes]) -> None:
    """Write rows as Parquet: one column a field of ``Row``, times in seconds as float64, outcome as text."""
    # Imported here: 0.2 s, which a plan that sends nothing does not pay.
    import pyarrow
    import pyarrow.parquet

    columns: list[Any] = list(zip(*map(astuple, rows), strict=True)) if rows else [()] * len(COLUMNS)
    kinds = {
        **dict.fromkeys(COLUMNS, pyarrow.int64()),
        **dict.fromkeys(("intended_s", "start_s", "end_s"), pyarrow.float64()),
        "code": pyarrow.string(),
        "outcome": pyarrow.string(),
    }
    table = pyarrow.table(
        {name: pyarrow.array(values, kinds[name]) for name, values in zip(COLUMNS, columns, strict=True)}
    )
    pyarrow.parquet.write_table(table, stream, compression="zstd")


def read_rows(path: Path) -> list[Row]:
    """The inverse of ``write_parquet``."""
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(path)
    columns = [table.column(name).to_pylist() for name in COLUMNS]
    place = COLUMNS.index("outcome")
    columns[place] = [Outcome(value) for value in columns[place]]
    return [Row(*values) for values in zip(*columns, strict=True)]
