"""Parquet: the table with its types, for data frames and query engines; needs ``carpal[parquet]``."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from carpal.records.growing import Growing, writing
from carpal.records.writers.table import COLUMNS, SCHEMA, Type, Value, rows
from carpal.records.writers.writer import Entry

GROUP_ROWS = 4096
"""Rows that are held before they are written as one group."""

_TYPES = {Type.TEXT: pa.string(), Type.WHOLE: pa.int64(), Type.REAL: pa.float64(), Type.FLAG: pa.bool_()}


def schema() -> pa.Schema:
    """The columns with their types; the file's metadata names the version of the table."""
    fields = [pa.field(column.name, _TYPES[column.type]) for column in COLUMNS]
    return pa.schema(fields, metadata={"schema": SCHEMA})


class ParquetTable:
    """Writes records.parquet; at most one group of rows is in memory."""

    def __init__(self, out: Path) -> None:
        self._file = Growing(out / "records.parquet")
        self._rows: list[tuple[Value, ...]] = []
        self._schema = schema()

    def open(self) -> None:
        """Begin the file."""
        self._writer = pq.ParquetWriter(self._file.open(), self._schema)

    def add(self, entry: Entry) -> None:
        """The rows of one image."""
        self._rows += rows(entry)
        if len(self._rows) >= GROUP_ROWS:
            self._flush()

    def close(self) -> None:
        """Write the last group and the footer, and publish; without a footer there is no file."""
        try:
            if self._rows:
                self._flush()
            with writing(self._file.path):
                self._writer.close()
        except BaseException:
            self._file.discard()
            raise
        self._file.close()

    def _flush(self) -> None:
        columns = [
            pa.array(values, field.type)
            for values, field in zip(zip(*self._rows, strict=True), self._schema, strict=True)
        ]
        self._rows = []
        with writing(self._file.path):
            self._writer.write_table(pa.Table.from_arrays(columns, schema=self._schema), row_group_size=GROUP_ROWS)
