"""Facts of FracAtlas images from dataset.csv, or from the manifest of a cut: body part, views, hardware, fracture."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from carpal_training.data.exam import Exam
from carpal_training.data.groups import UNKNOWN
from carpal_training.data.table import read_csv
from carpal_training.errors import TableInvalidError

CLASS = "fracture"
_BODY_PARTS = ("hand", "leg", "hip", "shoulder")
_FLAGS = ("mixed", "hardware", "multiscan", "frontal", "lateral", "oblique", "fractured")
COLUMNS = (*_BODY_PARTS, *_FLAGS)


def read_facts(path: Path, key: str, further: tuple[str, ...] = ()) -> dict[str, dict[str, str]]:
    """The rows of a table by the stem of the file that the column ``key`` names.

    Raises:
        TableInvalidError: the table cannot be read, lacks a column, names an image twice or a name without a number, or
            a flag is not 0 or 1; the line is named.
    """
    rows: dict[str, dict[str, str]] = {}
    for line, row in enumerate(read_csv(path, (key, *COLUMNS, *further), TableInvalidError), start=2):
        stem = Path(row[key].strip()).stem
        problem = _problem(stem, row, rows)
        if problem is not None:
            raise TableInvalidError(f"{path} line {line}: {problem}", "", "Correct the table, or fetch it again.")
        rows[stem] = row
    return rows


def number_of(stem: str) -> int:
    """The number in a name such as IMG0000019.

    Raises:
        ValueError: the name does not end with a number.
    """
    digits = re.search(r"\d+$", stem)
    if digits is None:
        raise ValueError(f"{stem!r} does not end with a number")
    return int(digits[0])


def exam_of_facts(row: Mapping[str, str], group: str) -> Exam:
    """The facts of one image; the group takes the place of the patient."""
    return Exam(
        patient=group,
        seen=((CLASS, row["fractured"].strip() == "1"),),
        groups=(
            ("body part", _body_part(row)),
            ("hardware", "with hardware" if _flag(row, "hardware") else "without hardware"),
            ("multiscan", "several views in one image" if _flag(row, "multiscan") else "one view"),
            ("frontal view", _yes(row, "frontal")),
            ("lateral view", _yes(row, "lateral")),
            ("oblique view", _yes(row, "oblique")),
        ),
    )


def _problem(stem: str, row: Mapping[str, str], rows: Mapping[str, object]) -> str | None:
    if stem in rows:
        return f"{stem} has a row before this one"
    if not stem[-1:].isdigit():
        return f"{stem!r} does not end with a number, which groups need"
    wrong = next((name for name in COLUMNS if row[name].strip() not in ("0", "1")), None)
    return None if wrong is None else f"{wrong} is {row[wrong]!r}, not 0 or 1"


def _body_part(row: Mapping[str, str]) -> str:
    named = [name for name in _BODY_PARTS if _flag(row, name)]
    if _flag(row, "mixed") or len(named) > 1:
        return "mixed"
    return named[0] if named else UNKNOWN


def _yes(row: Mapping[str, str], column: str) -> str:
    return "yes" if _flag(row, column) else "no"


def _flag(row: Mapping[str, str], column: str) -> bool:
    return row[column].strip() == "1"
