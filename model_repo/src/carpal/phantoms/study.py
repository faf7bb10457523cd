"""Who is examined and what is found: patients, studies and views, each a function of seed and number."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from carpal.phantoms.anatomy import View
from carpal.phantoms.findings import Anomaly, Finding, Lesion, Long, Periosteal
from carpal.phantoms.fractures import Fracture, Pattern
from carpal.phantoms.hardware import ForeignBody, Metal
from carpal.phantoms.streams import stream
from carpal.phantoms.tissue import PronatorSign, Swelling

Prevalence = Literal["balanced", "graz"]
VIEWS: tuple[View, View] = ("ap", "lateral")
STUDIES_A_BLOCK = 6
PATIENTS_A_BLOCK = 3

# Chance that a study has a finding of the class. "graz" is boxes over 20,327 images, as the dataset counts them,
# divided by the boxes that one finding gives a study's two views here.
_SHARES: dict[Prevalence, dict[str, float]] = {
    "balanced": {"normal": 0.15, "fracture": 0.62, "periostealreaction": 0.30, "metal": 0.25, "pronatorsign": 0.46,
                 "softtissue": 0.44, "boneanomaly": 0.26, "bonelesion": 0.30, "foreignbody": 0.26},
    "graz": {"normal": 0.0, "fracture": 0.68, "periostealreaction": 0.16, "metal": 0.040, "pronatorsign": 0.056,
             "softtissue": 0.0435, "boneanomaly": 0.0136, "bonelesion": 0.0022, "foreignbody": 0.0004},
}  # fmt: skip
# Chance that a finding shows in one of the two views only (domain notes on GRAZPEDWRI-DX).
_ONE_VIEW = {"fracture": 0.10, "periostealreaction": 0.40, "softtissue": 0.95}


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
        return (
            f"{p.number:04d}_{self.timehash[view]:010d}_{self.within_patient:02d}_WRI-{p.side}{view + 1}_{p.sex}{int(self.age):03d}"
        )

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
    findings = _findings(rng, age, within, prevalence)
    broken = any(isinstance(f, Fracture) for f, _ in findings)
    return Study(
        number=number, patient=patient, within_patient=within, age=age, timehash=(int(hashes[0]), int(hashes[1])),
        findings=tuple(findings), cast=bool(rng.uniform() < (0.26 if broken else 0.06)),
        osteopenia=float(rng.uniform(0.4, 1.0)) if rng.uniform() < 0.12 else 0.0, uncertain=bool(rng.uniform() < 0.026),
    )  # fmt: skip


def _views(rng: np.random.Generator, kind: str) -> tuple[bool, bool]:
    if kind == "pronatorsign":
        return False, True
    if rng.uniform() < _ONE_VIEW.get(kind, 0.0):
        first = bool(rng.uniform() < 0.5)
        return first, not first
    return True, True


def _sign(rng: np.random.Generator) -> Literal[-1, 1]:
    return 1 if rng.uniform() < 0.5 else -1


def _findings(
    rng: np.random.Generator, age: float, within: int, prevalence: Prevalence
) -> list[tuple[Finding, tuple[bool, bool]]]:
    shares = _SHARES[prevalence]
    if rng.uniform() < shares["normal"]:
        return []
    if prevalence == "graz":
        # Fractures are visible in 42 % of first examinations and 95 % of follow-ups.
        shares = shares | {"fracture": 0.42 if within == 1 else 0.949}
    wanted = {kind: bool(rng.uniform() < share) for kind, share in shares.items() if kind != "normal"}
    found: list[Finding] = []
    # Each stretch of a shaft holds one finding of bone, so that extents stay plain.
    free: dict[Long, list[int]] = {"radius": [0, 1, 2], "ulna": [0, 1, 2]}

    def take(levels: tuple[int, ...], bones: tuple[Long, ...] = ("radius", "ulna")) -> tuple[Long, int] | None:
        options = [(b, s) for b in bones for s in free[b] if s in levels]
        if not options:
            return None
        bone, level = options[int(rng.integers(0, len(options)))]
        free[bone].remove(level)
        return bone, level

    if wanted["boneanomaly"]:
        form = ("exostosis", "tilted", "fragmented")[int(rng.integers(0, 3))]
        bone: Long = "radius" if form != "exostosis" or rng.uniform() < 0.6 else "ulna"
        free[bone].remove(0)
        found.append(Anomaly(form, bone, rng.uniform(9, 13), _sign(rng), rng.uniform()))  # type: ignore[arg-type]
    if wanted["fracture"]:
        found += _fractures(rng, age, free)
    if wanted["metal"]:
        form = "plate" if rng.uniform() < 0.4 and (spot := take((1,))) else "wires"
        if form == "plate" and spot:
            if 2 in free[spot[0]]:
                free[spot[0]].remove(2)
            found.append(Metal("plate", spot[0], rng.uniform(12, 16), int(rng.integers(3, 5)), 0.0))
        else:
            where: Long = "radius" if rng.uniform() < 0.8 else "ulna"
            found.append(Metal("wires", where, 0.0, int(rng.integers(1, 3)), rng.uniform(18, 34)))
    if wanted["bonelesion"] and (spot := take((0, 1, 2))):
        level = (9.0, 24.0, 38.0)[spot[1]] + rng.uniform(-2, 2)
        found.append(Lesion(spot[0], level, rng.uniform(-1, 1), rng.uniform(8, 12.5), bool(rng.uniform() < 0.4)))
    if wanted["periostealreaction"] and (spot := take((1, 2))):
        level = (18.0, 32.0)[spot[1] - 1] + rng.uniform(-2, 2)
        found.append(
            Periosteal(spot[0], level, rng.uniform(13, 19), rng.uniform(2.6, 3.8), _sign(rng), bool(rng.uniform() < 0.3))
        )
    if wanted["pronatorsign"]:
        found.append(PronatorSign(rng.uniform(6, 10), rng.uniform(24, 34), rng.uniform(5.0, 8.0)))
    if wanted["softtissue"]:
        found.append(Swelling(rng.uniform(-4, 22), rng.uniform(34, 48), rng.uniform(4.5, 7.0), _sign(rng)))
    if wanted["foreignbody"]:
        found.append(
            ForeignBody(rng.uniform(-22, 38), _sign(rng), rng.uniform(), rng.uniform(3.4, 5.2), rng.uniform(1.0, 1.9),
                        rng.uniform(0, 180))  # fmt: skip
        )
    return [(f, _views(rng, f.kind)) for f in found]


def _fractures(rng: np.random.Generator, age: float, free: dict[Long, list[int]]) -> list[Finding]:
    patterns: list[Pattern] = ["torus", "greenstick", "transverse", "oblique"]
    weights = np.array([0.32, 0.2, 0.26, 0.22])
    found: list[Finding] = []

    def one(bone: Long, pattern: Pattern, level: float, side: Literal[-1, 1]) -> Fracture:
        angle = {"torus": 0.0, "greenstick": rng.uniform(4, 11), "transverse": rng.uniform(0, 9)}.get(pattern, rng.uniform(0, 7))
        shift = rng.uniform(0.8, 3.0) if pattern in ("transverse", "oblique") and rng.uniform() < 0.75 else 0.0
        return Fracture(bone, pattern, level, side, rng.uniform(0.2, 1.0), angle, shift)

    side = _sign(rng)
    if 0 in free["radius"]:
        if 3 < age < 16.5 and rng.uniform() < 0.16:
            free["radius"].remove(0)
            found.append(one("radius", "salter", 0.0, side))
        else:
            slot = 0 if rng.uniform() < 0.75 or 1 not in free["radius"] else 1
            free["radius"].remove(slot)
            level = rng.uniform(8, 14) if slot == 0 else rng.uniform(20, 27)
            found.append(one("radius", patterns[int(rng.choice(4, p=weights))], level, side))
    if not found or rng.uniform() < 0.42:
        if rng.uniform() < 0.45 and age > 6.5:
            found.append(one("ulna", "styloid", 0.0, side))
        elif 0 in free["ulna"]:
            free["ulna"].remove(0)
            found.append(one("ulna", patterns[int(rng.choice(4, p=weights))], rng.uniform(6, 13), side))
    return found
