"""Patient of each image, for layouts that do not name it: from a table, from the names, or known to be unknown.

Where patients are unknown, groups of images that belong together take their place, in splits and in intervals.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from carpal.errors import UsageError
from carpal.imaging.stem import parse_stem
from carpal_training.data.exam import Exam, Projection
from carpal_training.data.issues import Issues
from carpal_training.data.table import exam_of, read_csv
from carpal_training.errors import PatientsUnknownError, TableInvalidError


@dataclass(frozen=True)
class PatientRule:
    """How patients or groups are known; at most one of the fields is set.

    Attributes:
        table: a CSV with the columns filestem and patient_id, any other column of dataset.csv, and columns
            ``group:<dimension>`` for subgroups of the dataset's own.
        pattern: regular expression with a group ``patient``, and a group ``study`` if there is one, matched from the
            start of the stem.
        each_image: each image is a patient of its own; set it only if it is known that this is so.
        groups: a CSV with the columns filestem and group_id, and the further columns of ``table``, if patients are
            unknown.
        group_pattern: regular expression with a group ``group``, matched from the start of the stem, if patients are
            unknown.
    """

    table: Path | None = None
    pattern: str | None = None
    each_image: bool = False
    groups: Path | None = None
    group_pattern: str | None = None

    def __post_init__(self) -> None:
        if self._count() > 1:
            raise UsageError(
                "patients or groups are given in more than one way",
                "They could disagree.",
                "Give one of --patients, --patient-pattern, --one-patient-an-image, --groups and --group-pattern.",
            )

    @property
    def given(self) -> bool:
        """Whether any field is set."""
        return self._count() > 0

    @property
    def unit(self) -> Literal["patient", "group"]:
        """What the rule names."""
        return "group" if self.groups is not None or self.group_pattern is not None else "patient"

    def _count(self) -> int:
        texts = (self.table, self.pattern, self.groups, self.group_pattern)
        return sum(text is not None for text in texts) + self.each_image


def exams_of(stems: Iterable[str], rule: PatientRule, issues: Issues) -> dict[str, Exam]:
    """Facts of each stem. Without a rule the names must have the form of GRAZPEDWRI-DX.

    Raises:
        PatientsUnknownError: without a rule, if no name has that form.
        TableInvalidError: a table that cannot be read, or that names an image twice.
        UsageError: a pattern that is not a regular expression or lacks its group.
    """
    stems = sorted(stems)
    if rule.table is not None:
        return _from_table(stems, rule.table, "patient_id", issues)
    if rule.groups is not None:
        return _from_table(stems, rule.groups, "group_id", issues)
    if rule.pattern is not None:
        return _from_pattern(stems, rule.pattern, "patient", issues)
    if rule.group_pattern is not None:
        return _from_pattern(stems, rule.group_pattern, "group", issues)
    if rule.each_image:
        return {stem: Exam(patient=stem) for stem in stems}
    parsed = {stem: parse_stem(stem) for stem in stems}
    if stems and not any(parsed.values()):
        raise PatientsUnknownError(
            f"nothing says whose image {stems[0]} is",
            "A split is made by patient, so that no patient is in two parts.",
            "Give --patients TABLE.csv (filestem, patient_id) or --patient-pattern; if patients are unknown, "
            "--groups TABLE.csv (filestem, group_id) or --group-pattern; or --one-patient-an-image if so.",
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


def _from_table(stems: list[str], table: Path, key: str, issues: Issues) -> dict[str, Exam]:
    rows: dict[str, Exam] = {}
    for line, row in enumerate(read_csv(table, ("filestem", key), TableInvalidError), start=2):
        stem = Path(row["filestem"].strip()).name
        if stem in rows:
            raise TableInvalidError(
                f"{table} line {line}: {stem} has a row before this one",
                "One of the two rows would be ignored.",
                "Remove one of the two rows.",
            )
        try:
            rows[stem] = exam_of(row, key)
        except ValueError as failure:
            raise TableInvalidError(
                f"{table} line {line}: {failure}", "The cell is no value of its column.", "Correct the table."
            ) from failure
    for stem in stems:
        if stem not in rows:
            issues.add("unknown-patient", stem, table.name, f"no row of {stem}")
    return {stem: rows[stem] for stem in stems if stem in rows}


def _from_pattern(stems: list[str], pattern: str, key: Literal["patient", "group"], issues: Issues) -> dict[str, Exam]:
    option = f"--{key}-pattern"
    try:
        compiled = re.compile(pattern)
    except re.error as failure:
        raise UsageError(f"{option} {pattern} is no regular expression: {failure}", "", "Correct it.") from failure
    if key not in compiled.groupindex:
        raise UsageError(
            f"{option} {pattern} has no group named {key}",
            f"It must say which part of a name is the {key}.",
            rf"Write, for example, '(?P<{key}>\d+)_'.",
        )
    exams = {}
    for stem in stems:
        match = compiled.match(stem)
        if match is None or not match[key]:
            issues.add("unknown-patient", stem, stem, f"does not begin with {pattern}")
            continue
        groups = match.groupdict()
        exams[stem] = Exam(patient=groups[key], study=groups.get("study"))
    return exams
