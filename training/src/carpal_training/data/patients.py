"""Whose each image is, for layouts that do not say it: from a table, from the names, or said to be unknown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from carpal.errors import UsageError
from carpal.imaging.stem import parse_stem
from carpal_training.data.exam import Exam, Projection
from carpal_training.data.issues import Issues
from carpal_training.data.table import exam_of, read_csv
from carpal_training.errors import PatientsUnknownError, TableInvalidError


@dataclass(frozen=True)
class PatientRule:
    """How patients are known; at most one of the three.

    Attributes:
        table: a CSV with the columns filestem and patient_id, and any other column of dataset.csv.
        pattern: regular expression with a group ``patient``, and a group ``study`` if there is one, matched from the
            start of the stem.
        each_image: each image is a patient of its own; true only where somebody knows that it is so.
    """

    table: Path | None = None
    pattern: str | None = None
    each_image: bool = False

    def __post_init__(self) -> None:
        if sum((self.table is not None, self.pattern is not None, self.each_image)) > 1:
            raise UsageError(
                "patients are given in more than one way", "They could disagree.", "Give one of the three options."
            )


def exams_of(stems: Iterable[str], rule: PatientRule, issues: Issues) -> dict[str, Exam]:
    """Facts of each stem. Without a rule the names must have the form of GRAZPEDWRI-DX.

    Raises:
        PatientsUnknownError: without a rule, where no name has that form.
        TableInvalidError: a table that cannot be read.
        UsageError: a pattern that is none.
    """
    stems = sorted(stems)
    if rule.table is not None:
        return _from_table(stems, rule.table, issues)
    if rule.pattern is not None:
        return _from_pattern(stems, rule.pattern, issues)
    if rule.each_image:
        return {stem: Exam(patient=stem) for stem in stems}
    parsed = {stem: parse_stem(stem) for stem in stems}
    if stems and not any(parsed.values()):
        raise PatientsUnknownError(
            f"nothing says whose image {stems[0]} is",
            "A split is made by patient, so that no patient is in two parts.",
            "Give --patients TABLE.csv (filestem, patient_id), or --patient-pattern; --one-patient-an-image if so.",
        )
    return {
        stem: Exam(
            patient=str(int(parts.patient)),
            study=str(parts.study),
            laterality=parts.laterality,
            projection=cast(Projection, parts.projection),
        )
        for stem, parts in parsed.items()
        if parts
    }


def _from_table(stems: list[str], table: Path, issues: Issues) -> dict[str, Exam]:
    rows = {}
    for line, row in enumerate(read_csv(table, ("filestem", "patient_id"), TableInvalidError), start=2):
        try:
            rows[Path(row["filestem"].strip()).name] = exam_of(row)
        except ValueError as failure:
            raise TableInvalidError(
                f"{table} line {line}: {failure}", "The cell is no value of its column.", "Correct the table."
            ) from failure
    for stem in stems:
        if stem not in rows:
            issues.add("unknown-patient", stem, table.name, f"no row of {stem}")
    return {stem: rows[stem] for stem in stems if stem in rows}


def _from_pattern(stems: list[str], pattern: str, issues: Issues) -> dict[str, Exam]:
    try:
        compiled = re.compile(pattern)
    except re.error as failure:
        raise UsageError(
            f"--patient-pattern {pattern} is no regular expression: {failure}", "", "Correct it."
        ) from failure
    if "patient" not in compiled.groupindex:
        raise UsageError(
            f"--patient-pattern {pattern} has no group named patient",
            "It must say which part of a name is the patient.",
            r"Write, for example, '(?P<patient>\d+)_'.",
        )
    exams = {}
    for stem in stems:
        match = compiled.match(stem)
        if match is None:
            issues.add("unknown-patient", stem, stem, f"does not begin with {pattern}")
            continue
        groups = match.groupdict()
        exams[stem] = Exam(patient=groups["patient"], study=groups.get("study"))
    return exams
