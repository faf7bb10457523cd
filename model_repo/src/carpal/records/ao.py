"""AO codes of the dataset, parsed and made uniform: the AO Pediatric Comprehensive Classification of Fractures (PCCF).

A code is ``<bone><segment>[r|u]-<E|M|D>/<child>[.<severity>]``, several are joined by ``; ``. People typed them:
strokes are missing or doubled, a comma stands for a semicolon, blanks trail. What was meant is clear in these cases,
and the code is repaired; what is written stays beside it. Codes of other systems (the adult AO/OTA codes of the hand,
such as ``77.5.1A``) are kept as they are and flagged.

Source: AO Surgery Reference; Slongo and Audige, AO Pediatric Comprehensive Classification of Long-Bone Fractures, 2018.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Part = Literal["E", "M", "D"]

_SEPARATOR = re.compile(r"[;,]")
_CODE = re.compile(
    r"(?P<bone>[1-4])(?P<segment>[1-3])(?P<letter>[rutf])?[-/](?P<part>[EMD])/?(?P<child>[1-9])(\.(?P<severity>[1-9])?)?",
    flags=re.IGNORECASE,
)
_BONES = {"1": "humerus", "2": "forearm", "3": "femur", "4": "lower leg"}
_SEGMENTS = {"1": "proximal", "2": "shaft", "3": "distal"}
_LETTERS = {"r": "radius", "u": "ulna", "t": "tibia", "f": "fibula"}
_OF_BONE = {"2": "ru", "4": "tf"}
_SEVERITIES = {"1": "simple", "2": "multifragmentary"}
_CHILDREN: dict[Part, dict[str, str]] = {
    "E": {
        "1": "Salter-Harris I",
        "2": "Salter-Harris II",
        "3": "Salter-Harris III",
        "4": "Salter-Harris IV",
        "7": "avulsion",
        "8": "flake",
    },
    "M": {"2": "torus or buckle", "3": "complete", "7": "avulsion"},
    "D": {
        "1": "bowing",
        "2": "greenstick",
        "4": "complete, transverse (at most 30 degrees)",
        "5": "complete, oblique or spiral (more than 30 degrees)",
    },
}
_PARTS: dict[str, Part] = {"E": "E", "M": "M", "D": "D"}
_PART_NAMES: dict[Part, str] = {"E": "epiphysis", "M": "metaphysis", "D": "diaphysis"}


@dataclass(frozen=True)
class AoCode:
    """One code of the PCCF.

    Attributes:
        raw: as it was written, blanks around it left out.
        bone: 1 humerus, 2 forearm, 3 femur, 4 lower leg.
        segment: 1 proximal, 2 shaft, 3 distal.
        letter: r radius, u ulna, t tibia, f fibula; None where both bones of a pair have the same pattern.
        part: E epiphysis, M metaphysis, D diaphysis.
        child: the pattern, numbered within the part.
        severity: 1 simple, 2 multifragmentary; None where it is not given.
    """

    raw: str
    bone: str
    segment: str
    letter: str | None
    part: Part
    child: str
    severity: str | None

    @property
    def code(self) -> str:
        """The code in its one form."""
        severity = f".{self.severity}" if self.severity else ""
        return f"{self.bone}{self.segment}{self.letter or ''}-{self.part}/{self.child}{severity}"

    @property
    def repaired(self) -> bool:
        """Whether it was written in another form."""
        return self.raw != self.code

    @property
    def doubts(self) -> tuple[str, ...]:
        """What speaks against a code of the right form; it is kept all the same."""
        doubts = []
        if (self.part == "D") != (self.segment == "2"):
            doubts.append(f"{_PART_NAMES[self.part]} in the {_SEGMENTS[self.segment]} segment")
        if self.child not in _CHILDREN[self.part]:
            doubts.append(f"no pattern {self.part}/{self.child} is known here")
        if self.severity and self.severity not in _SEVERITIES:
            doubts.append(f"no severity {self.severity} is known")
        if self.letter and self.letter not in _OF_BONE.get(self.bone, ""):
            doubts.append(f"the {_BONES[self.bone]} has no {_LETTERS[self.letter]}")
        return tuple(doubts)

    @property
    def words(self) -> str:
        """What the code says, in English."""
        bone = _LETTERS[self.letter] if self.letter else _BONES[self.bone]
        said = [f"{_SEGMENTS[self.segment]} {bone}", _PART_NAMES[self.part]]
        said.append(_CHILDREN[self.part].get(self.child, f"pattern {self.child}"))
        if self.severity:
            said.append(_SEVERITIES.get(self.severity, f"severity {self.severity}"))
        return ", ".join(said)


@dataclass(frozen=True)
class AoClassification:
    """What one cell of the dataset says.

    Attributes:
        raw: the cell, untouched.
        codes: those that were understood, in their order.
        unmatched: the others, as written.
    """

    raw: str
    codes: tuple[AoCode, ...]
    unmatched: tuple[str, ...]

    @property
    def text(self) -> str:
        """All codes in their one form, joined by ``; ``; what was not understood stands last, as written."""
        return "; ".join([*(code.code for code in self.codes), *self.unmatched])


def parse_ao(raw: str) -> AoClassification:
    """Parse a cell of ``ao_classification``; nothing in it is ever an error.

    Args:
        raw: codes with semicolons between them, or an empty text.
    """
    codes, unmatched = [], []
    for token in filter(None, (piece.strip() for piece in _SEPARATOR.split(raw))):
        code = _parse(token)
        if code is None:
            unmatched.append(token)
        else:
            codes.append(code)
    return AoClassification(raw, tuple(codes), tuple(unmatched))


def _parse(token: str) -> AoCode | None:
    match = _CODE.fullmatch(re.sub(r"\s+", "", token))
    if match is None:
        return None
    letter = match["letter"]
    return AoCode(
        raw=token,
        bone=match["bone"],
        segment=match["segment"],
        letter=letter.lower() if letter else None,
        part=_PARTS[match["part"].upper()],
        child=match["child"],
        severity=match["severity"],
    )
