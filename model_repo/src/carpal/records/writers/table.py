"""The table: one row an image and one a finding, in the columns that CSV and Parquet share (carpal.table/v1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from carpal.records.record import Box, Finding, PixelSpacing, Record, Source
from carpal.records.writers.writer import Entry

SCHEMA = "carpal.table/v1"
Value = str | int | float | bool | None


class Type(StrEnum):
    """What a column holds; in Parquet string, int64, double and bool."""

    TEXT = "text"
    WHOLE = "whole number"
    REAL = "real number"
    FLAG = "true or false"


@dataclass(frozen=True)
class Row:
    """What a row speaks of: an image (number 0, no finding) or its n-th finding, strongest first."""

    entry: Entry
    number: int = 0
    finding: Finding | None = None


@dataclass(frozen=True)
class Column:
    """A column, and where its value comes from."""

    name: str
    type: Type
    value: Callable[[Row], Value]


def rows(entry: Entry) -> Iterator[tuple[Value, ...]]:
    """The image's row, then one a finding."""
    yield _values(Row(entry))
    for number, finding in enumerate(entry.record.findings, start=1):
        yield _values(Row(entry, number, finding))


def _values(row: Row) -> tuple[Value, ...]:
    return tuple(column.value(row) for column in COLUMNS)


def _entry(name: str, kind: Type, value: Callable[[Entry], Value]) -> Column:
    return Column(name, kind, lambda row: value(row.entry))


def _record(name: str, kind: Type, value: Callable[[Record], Value]) -> Column:
    return Column(name, kind, lambda row: value(row.entry.record))


def _source(name: str, kind: Type, value: Callable[[Source], Value]) -> Column:
    return Column(name, kind, lambda row: value(row.entry.record.source))


def _spacing(name: str, kind: Type, value: Callable[[PixelSpacing], Value]) -> Column:
    return _source(name, kind, lambda source: value(source.pixel_spacing) if source.pixel_spacing else None)


def _finding(name: str, kind: Type, value: Callable[[Finding], Value]) -> Column:
    return Column(name, kind, lambda row: value(row.finding) if row.finding else None)


def _box(name: str, value: Callable[[Box], Value]) -> Column:
    return _finding(name, Type.REAL, lambda finding: value(finding.box))


def _text(text: str) -> str:
    """As UTF-8 can hold it: a file name may have bytes that are no text."""
    return text.encode(errors="replace").decode()


COLUMNS: tuple[Column, ...] = (
    Column("row", Type.TEXT, lambda row: "finding" if row.finding else "image"),
    Column("finding", Type.WHOLE, lambda row: row.number if row.finding else None),
    _entry("path", Type.TEXT, lambda entry: _text(entry.path.as_posix())),
    _entry("name", Type.TEXT, lambda entry: _text(entry.name)),
    _record("record_id", Type.TEXT, lambda record: record.id),
    _source("source_digest", Type.TEXT, lambda source: source.digest),
    _source("media_type", Type.TEXT, lambda source: source.media_type),
    _source("width_px", Type.WHOLE, lambda source: source.width_px),
    _source("height_px", Type.WHOLE, lambda source: source.height_px),
    _source("bits", Type.WHOLE, lambda source: source.bits),
    _source("sop_instance_uid", Type.TEXT, lambda source: source.sop_instance_uid),
    _source("series_instance_uid", Type.TEXT, lambda source: source.series_instance_uid),
    _source("study_instance_uid", Type.TEXT, lambda source: source.study_instance_uid),
    _source("patient_key", Type.TEXT, lambda source: source.patient_key),
    _source("laterality", Type.TEXT, lambda source: source.laterality),
    _source("projection", Type.TEXT, lambda source: source.projection),
    _spacing("row_mm", Type.REAL, lambda spacing: spacing.row_mm),
    _spacing("column_mm", Type.REAL, lambda spacing: spacing.column_mm),
    _spacing("spacing_tag", Type.TEXT, lambda spacing: spacing.tag),
    _record("sharpness", Type.REAL, lambda record: record.quality.sharpness),
    _record("noise", Type.REAL, lambda record: record.quality.noise),
    _record("clipped_share", Type.REAL, lambda record: record.quality.clipped_share),
    _record("padded_share", Type.REAL, lambda record: record.quality.padded_share),
    _record("exposure", Type.REAL, lambda record: record.quality.exposure),
    _record("quality_warnings", Type.TEXT, lambda record: ";".join(record.quality.warnings)),
    _finding("label", Type.TEXT, lambda finding: finding.label),
    _finding("status", Type.TEXT, lambda finding: finding.status),
    _finding("probability", Type.REAL, lambda finding: finding.probability),
    _finding("calibrated_probability", Type.REAL, lambda finding: finding.calibrated_probability),
    _box("x0_px", lambda box: box.x0),
    _box("y0_px", lambda box: box.y0),
    _box("x1_px", lambda box: box.x1),
    _box("y1_px", lambda box: box.y1),
    _finding("width_mm", Type.REAL, lambda finding: finding.size_mm.width if finding.size_mm else None),
    _finding("height_mm", Type.REAL, lambda finding: finding.size_mm.height if finding.size_mm else None),
    _record("model_name", Type.TEXT, lambda record: record.model.name),
    _record("model_version", Type.TEXT, lambda record: record.model.version),
    _record("model_digest", Type.TEXT, lambda record: record.model.digest),
    _record("model_variant", Type.TEXT, lambda record: record.model.variant),
    _record("engine", Type.TEXT, lambda record: record.model.engine),
    _record("engine_version", Type.TEXT, lambda record: record.model.engine_version),
    _record("precision", Type.TEXT, lambda record: record.model.precision),
    _record("emulated", Type.FLAG, lambda record: record.model.emulated),
    _record("preprocessing_digest", Type.TEXT, lambda record: record.preprocessing_digest),
    _record("review_state", Type.TEXT, lambda record: record.review.state),
    _record("not_a_medical_device", Type.FLAG, lambda record: record.not_a_medical_device),
)
