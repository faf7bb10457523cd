"""What a study shows: which findings, where on the bones, and in which of the two views."""

from typing import Literal

import numpy as np

from carpal.phantoms.findings import FORMS, Anomaly, Finding, Lesion, Long, Periosteal
from carpal.phantoms.fractures import Fracture, Pattern
from carpal.phantoms.hardware import ForeignBody, Metal
from carpal.phantoms.tissue import PronatorSign, Swelling

Prevalence = Literal["balanced", "graz"]

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


def views_of(rng: np.random.Generator, kind: str) -> tuple[bool, bool]:
    """Return whether a finding shows in the AP and in the lateral view."""
    if kind == "pronatorsign":
        return False, True
    if rng.uniform() < _ONE_VIEW.get(kind, 0.0):
        first = bool(rng.uniform() < 0.5)
        return first, not first
    return True, True


def _sign(rng: np.random.Generator) -> Literal[-1, 1]:
    return 1 if rng.uniform() < 0.5 else -1


def sample_findings(rng: np.random.Generator, age: float, within: int, prevalence: Prevalence) -> list[Finding]:
    """Return what a study shows: `within` is 1 for a patient's first study; an empty list is a normal wrist."""
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
        form = FORMS[int(rng.integers(0, 3))]
        bone: Long = "radius" if form != "exostosis" or rng.uniform() < 0.6 else "ulna"
        free[bone].remove(0)
        found.append(Anomaly(form, bone, rng.uniform(9, 13), _sign(rng), rng.uniform()))
    if wanted["fracture"]:
        found += _fractures(rng, age, free)
    if wanted["metal"]:
        spot = take((1,)) if rng.uniform() < 0.4 else None
        if spot:
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
        length, lift = rng.uniform(13, 19), rng.uniform(2.6, 3.8)
        found.append(Periosteal(spot[0], level, length, lift, _sign(rng), bool(rng.uniform() < 0.3)))
    if wanted["pronatorsign"]:
        found.append(PronatorSign(rng.uniform(6, 10), rng.uniform(24, 34), rng.uniform(5.0, 8.0)))
    if wanted["softtissue"]:
        found.append(Swelling(rng.uniform(-4, 22), rng.uniform(34, 48), rng.uniform(4.5, 7.0), _sign(rng)))
    if wanted["foreignbody"]:
        place = (rng.uniform(-22, 38), _sign(rng), rng.uniform())
        found.append(ForeignBody(*place, rng.uniform(3.4, 5.2), rng.uniform(1.0, 1.9), rng.uniform(0, 180)))
    return found


def _fractures(rng: np.random.Generator, age: float, free: dict[Long, list[int]]) -> list[Finding]:
    patterns: list[Pattern] = ["torus", "greenstick", "transverse", "oblique"]
    weights = np.array([0.32, 0.2, 0.26, 0.22])
    found: list[Finding] = []

    def one(bone: Long, pattern: Pattern, level: float, side: Literal[-1, 1]) -> Fracture:
        bent, turned, slight = rng.uniform(4, 11), rng.uniform(0, 9), rng.uniform(0, 7)
        angle = {"torus": 0.0, "greenstick": bent, "transverse": turned}.get(pattern, slight)
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
