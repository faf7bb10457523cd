"""Who is examined and what is found: patients, studies and views, each a function of seed and number."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from carpal.phantoms.anatomy import View
from carpal.phantoms.findings import Finding, Long
from carpal.phantoms.fractures import Fracture
from carpal.phantoms.sampling import Prevalence, sample_findings, views_of
from carpal.phantoms.streams import stream

VIEWS: tuple[View, View] = ("ap", "lateral")
STUDIES_A_BLOCK = 6
PATIENTS_A_BLOCK = 3


@dataclass(frozen=True)
class Patient:
    """A made-up child."""

    number: int
    sex: Literal["M", "F"]
    age: float
    side: Literal["L", "R"]


@dataclass(frozen=True)
class Study:
    """One examination: two views of the same wrist, its findings, and the views in which each shows."""

    number: int
    patient: Patient
    within_patient: int
    age: float
    timehash: tuple[int, int]
    findings: tuple[tuple[Finding, tuple[bool, bool]], ...]
    cast: bool
    osteopenia: float
    uncertain: bool

    @property
    def initial(self) -> bool:
        """Whether this is the patient's first examination."""
        return self.within_patient == 1

    def stem(self, view: int) -> str:
        """Return the file stem of one view, named as in GRAZPEDWRI-DX."""
        p = self.patient
        name = f"{p.number:04d}_{self.timehash[view]:010d}_{self.within_patient:02d}"
        return f"{name}_WRI-{p.side}{view + 1}_{p.sex}{int(self.age):03d}"

    def ao(self) -> str:
        """Return the AO classification of the drawn fractures, `;`-joined as the dataset writes it."""
        fractures = {f.bone: f for f, _ in self.findings if isinstance(f, Fracture)}
        return "; ".join(_ao_codes(fractures))


def _ao_codes(fractures: dict[Long, Fracture]) -> list[str]:
    def child(f: Fracture) -> str:
        return "2.1" if f.pattern in ("torus", "greenstick") else "3.1"

    pair = [fractures[b] for b in ("radius", "ulna") if b in fractures]
    metaphyseal = [f for f in pair if f.pattern not in ("salter", "styloid")]
    if len(metaphyseal) == 2:
        worse = "3.1" if "3.1" in (child(metaphyseal[0]), child(metaphyseal[1])) else "2.1"
        return [f"23-M/{worse}"]
    codes = []
    for f in pair:
        letter = "r" if f.bone == "radius" else "u"
        if f.pattern == "styloid":
            codes.append("23u-E/7")
        elif f.pattern == "salter":
            codes.append(f"23{letter}-E/2.1")
        else:
            codes.append(f"23{letter}-M/{child(f)}")
    return codes


def patient_of(seed: int, number: int) -> tuple[Patient, int]:
    """Return the patient of study `number` and which of the patient's studies it is, from 1.

    Six studies share three patients, with one to three studies each, so that a study's patient needs no others' draws.
    """
    block, place = divmod(number, STUDIES_A_BLOCK)
    rng = stream(seed, 1, block)
    sizes = [(1, 2, 3), (2, 2, 2)][int(rng.integers(0, 2))]
    ends = np.cumsum(rng.permutation(sizes))
    which = int(np.searchsorted(ends, place, side="right"))
    within = place - (int(ends[which - 1]) if which else 0) + 1
    index = block * PATIENTS_A_BLOCK + which
    own = stream(seed, 2, index)
    # Ages as in dataset.csv: mean 10.9, 0.2 to 19 years.
    age = float(np.clip(own.normal(10.9, 3.6), 0.6, 18.4))
    sex: Literal["M", "F"] = "M" if own.uniform() < 0.59 else "F"
    side: Literal["L", "R"] = "L" if own.uniform() < 0.55 else "R"
    return Patient(index + 1, sex, age, side), within


def study_of(seed: int, number: int, prevalence: Prevalence) -> Study:
    """Return study `number` of a seed."""
    patient, within = patient_of(seed, number)
    rng = stream(seed, 3, number)
    hashes = rng.integers(0, 10**10, 2)
    age = round(patient.age + (within - 1) * 0.1, 1)
    found = sample_findings(rng, age, within, prevalence)
    findings = tuple((finding, views_of(rng, finding.kind)) for finding in found)
    broken = any(isinstance(f, Fracture) for f, _ in findings)
    return Study(
        number=number, patient=patient, within_patient=within, age=age, timehash=(int(hashes[0]), int(hashes[1])),
        findings=findings, cast=bool(rng.uniform() < (0.26 if broken else 0.06)),
        osteopenia=float(rng.uniform(0.4, 1.0)) if rng.uniform() < 0.12 else 0.0, uncertain=bool(rng.uniform() < 0.026),
    )  # fmt: skip
