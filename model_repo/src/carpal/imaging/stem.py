"""File names in the form of GRAZPEDWRI-DX: ``0001_1297860395_01_WRI-L1_M014``.

Patient, time hash, study number, side, projection, sex, age in years (Nagy et al., Sci Data 9:222, 2022). The sex
``O`` occurs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast

_STEM = re.compile(r"(\d{4})_(\d{10})_(\d{2})_WRI-([LR])([123])_([MFO])(\d{3})")
_PROJECTIONS = {"1": "AP", "2": "LATERAL", "3": "OBLIQUE"}


@dataclass(frozen=True)
class Stem:
    """What the name of a file says.

    Attributes:
        patient: the dataset's own pseudonym.
        study: number of the study within the patient.
        laterality: side of the body.
        projection: AP, LATERAL or OBLIQUE.
    """

    patient: str
    study: int
    laterality: Literal["L", "R"]
    projection: str


def parse_stem(name: str | None) -> Stem | None:
    """The parts of a file stem; None where it has another form."""
    match = _STEM.fullmatch(name or "")
    if match is None:
        return None
    patient, _, study, side, projection, _, _ = match.groups()
    return Stem(patient, int(study), cast(Literal["L", "R"], side), _PROJECTIONS[projection])
