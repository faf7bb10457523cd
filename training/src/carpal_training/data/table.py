"""The table of GRAZPEDWRI-DX, dataset.csv, with everything that trips readers of it.

It starts with a byte-order mark. Tools that went through pandas write whole numbers as ``1.0``. ``timehash`` is a
number, so the zeros before it are lost. Sex ``O`` occurs. Flags are 1 or blank, and blank means no, but for a column
that is not there at all nothing is known. AO codes are kept as they are written; ``carpal.records.ao`` reads them.
Source of the meanings: Nagy et al., Sci Data 9:222, 2022, and counts over all 20,327 rows (docs/how-to/import-graz.md).
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from carpal.errors import CarpalError
from carpal_training.data.exam import Exam, Projection, Sex, Side
from carpal_training.data.groups import STANDARD_DIMENSIONS, UNKNOWN
from carpal_training.data.text_file import decode_text
from carpal_training.errors import TableInvalidError

_PROJECTIONS: Mapping[str, Projection] = {"1": "AP", "2": "LATERAL", "3": "OBLIQUE"}
_SEXES, _SIDES = ("M", "F", "O"), ("L", "R")
_SEEN = {"fracture": "fracture_visible", "metal": "metal"}
"""Class name to the column that says whether it is visible."""
_GROUP = "group:"
"""Prefix of the columns that name subgroups of the dataset's own; the dimension follows."""


@dataclass(frozen=True)
class Row:
    """One image: its stem, its facts, and the stem that its own columns make (None where some are missing)."""

    stem: str
    exam: Exam
    rebuilt: str | None


def read_table(path: Path) -> list[Row]:
    """Read dataset.csv or dataset.csv.gz.

    Raises:
        TableInvalidError: no table, without the columns filestem and patient_id, with a cell that is no value of its
            column, or with a stem twice; the line is named.
    """
    cells = read_csv(path, ("filestem", "patient_id"), TableInvalidError)
    rows: list[Row] = []
    for line, cell in enumerate(cells, start=2):
        try:
            rows.append(_row(cell))
        except ValueError as failure:
            raise TableInvalidError(
                f"{path} line {line}: {failure}", "The cell is no value of its column.", "Correct or fetch it again."
            ) from failure
    if not rows:
        raise TableInvalidError(f"{path} has no rows", "A dataset needs images.", "Fetch it again.")
    seen: set[str] = set()
    for row in rows:
        if row.stem in seen:
            raise TableInvalidError(
                f"{path} names {row.stem} twice", "Stems are the keys of the dataset.", "Remove the double row."
            )
        seen.add(row.stem)
    return rows


def read_csv(path: Path, needed: Sequence[str], error: type[CarpalError]) -> list[dict[str, str]]:
    """The rows of a CSV or CSV.gz in UTF-8, with or without a byte-order mark; missing cells are empty.

    Raises:
        CarpalError: of the given leaf: it cannot be read, or lacks a needed column.
    """
    try:
        body = path.read_bytes()
        text = decode_text(gzip.decompress(body) if path.suffix == ".gz" else body)
        reader = csv.DictReader(io.StringIO(text, newline=""))
        rows = [{key: value or "" for key, value in row.items() if key is not None} for row in reader]
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, AttributeError) as failure:
        raise error(f"{path} cannot be read: {failure}", "It must be a CSV in UTF-8.", "Fetch it again.") from failure
    missing = [name for name in needed if name not in (reader.fieldnames or ())]
    if missing:
        raise error(
            f"{path} has no column {', '.join(missing)}",
            f"Its columns are {', '.join(reader.fieldnames or ()) or 'none'}.",
            f"It needs {' and '.join(needed)}.",
        )
    return rows


def whole(text: str) -> int:
    """A whole number that may read 1 or 1.0.

    Raises:
        ValueError: anything else.
    """
    number = float(text)
    if number != int(number):
        raise ValueError(f"{text!r} is no whole number")
    return int(number)


def exam_of(row: Mapping[str, str], key: str = "patient_id") -> Exam:
    """The facts in one row with some or all columns of dataset.csv, and columns ``group:<dimension>``.

    Args:
        row: the cells by column.
        key: the column of the patient, or of the group where patients are unknown.

    Raises:
        ValueError: a cell that is no value of its column.
    """
    patient = row[key].strip()
    return Exam(
        patient=str(whole(patient)) if patient.replace(".", "", 1).isdigit() else _named(patient, key),
        study=str(whole(row["study_number"])) if _filled(row, "study_number") else None,
        age_years=float(row["age"]) if _filled(row, "age") else None,
        sex=cast("Sex | None", _one_of(row.get("gender"), _SEXES)),
        laterality=cast("Side | None", _one_of(row.get("laterality"), _SIDES)),
        projection=_PROJECTIONS[_one_of(str(whole(row["projection"])), tuple(_PROJECTIONS)) or ""]
        if _filled(row, "projection")
        else None,
        initial=_flag(row, "initial_exam"),
        cast=_flag(row, "cast"),
        osteopenia=_flag(row, "osteopenia"),
        uncertain=_flag(row, "diagnosis_uncertain"),
        device=row.get("device_manufacturer", "").strip() or None,
        spacing_mm=float(row["pixel_spacing"]) if _filled(row, "pixel_spacing") else None,
        ao=row.get("ao_classification", ""),
        seen=tuple((name, bool(_flag(row, column))) for name, column in _SEEN.items() if column in row),
        groups=tuple(
            (_dimension(column), row[column].strip() or UNKNOWN) for column in row if column.startswith(_GROUP)
        ),
    )


def _row(row: Mapping[str, str]) -> Row:
    patient, exam, stem = whole(row["patient_id"]), exam_of(row), row["filestem"].strip()
    columns = ("timehash", "study_number", "laterality", "projection", "gender", "age")
    if not all(_filled(row, name) for name in columns):
        return Row(stem, exam, None)
    rebuilt = (
        f"{patient:04d}_{whole(row['timehash']):010d}_{whole(row['study_number']):02d}"
        f"_WRI-{exam.laterality}{whole(row['projection'])}_{exam.sex}{int(float(row['age'])):03d}"
    )
    return Row(stem, exam, rebuilt)


def _filled(row: Mapping[str, str], column: str) -> bool:
    return bool(row.get(column, "").strip())


def _named(patient: str, key: str) -> str:
    if not patient:
        raise ValueError(f"{key} is empty")
    return patient


def _dimension(column: str) -> str:
    name = column.removeprefix(_GROUP).strip()
    if not name or name in STANDARD_DIMENSIONS:
        raise ValueError(f"the column {column!r} needs a name of its own, not one of {', '.join(STANDARD_DIMENSIONS)}")
    return name


def _one_of(text: str | None, known: tuple[str, ...]) -> str | None:
    text = (text or "").strip()
    if not text:
        return None
    if text not in known:
        raise ValueError(f"{text!r} is none of {', '.join(known)}")
    return text


def _flag(row: Mapping[str, str], column: str) -> bool | None:
    """1 or 1.0 is yes, 0 or blank is no; a column that is not there says nothing."""
    if column not in row:
        return None
    text = row[column].strip()
    if text and whole(text) not in (0, 1):
        raise ValueError(f"{column} is {text!r}, which is neither 1 nor blank")
    return bool(text) and whole(text) == 1
