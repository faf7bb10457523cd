"""What the words of a record are called in SNOMED CT, DICOM and UCUM.

``finding_term`` looks a class label up in a table of terminology; a label that is not there (a model may have any
classes: names travel in its manifest) has a code in carpal's own system, with the label as its text. So this table
is no list of classes: it adds standard codes where a verified one is known, and nothing depends on a label being in it.

Every code here is in pydicom's tables of DICOM PS3.16 (``pydicom.sr.codedict``, checked by a test), except 72704001,
which SNOMED International lists as "Fracture (morphologic abnormality)". For periosteal reaction and the pronator
quadratus sign no verified code was found: they stay local rather than get one that may mean something else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# The local system has one identifier in both worlds, made once: the uuid5 of "carpal:codes" in the URL name space.
LOCAL_SCHEME = "99CARPAL"
LOCAL_SCHEME_NAME = "carpal local codes"
LOCAL_SCHEME_UID = "2.25.93371894859664728422724335669833200727"

_FHIR_SYSTEMS = {
    "SCT": "http://snomed.info/sct",
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
    "LN": "http://loinc.org",
    "UCUM": "http://unitsofmeasure.org",
    LOCAL_SCHEME: f"urn:oid:{LOCAL_SCHEME_UID}",
}
LONGEST_LO = 64  # characters of DICOM's Long String, which Code Meaning is

Status = Literal["confirmed", "possible", "absent"]


@dataclass(frozen=True)
class Code:
    """A coded word.

    ``scheme`` is DICOM's coding scheme designator: SCT, DCM, LN, UCUM or 99CARPAL. A ``value`` of more than 16
    characters needs DICOM's Long Code Value, which highdicom's CodedConcept chooses by itself.
    """

    value: str
    scheme: str
    meaning: str

    @property
    def system(self) -> str:
        """The code system's URI in FHIR."""
        return _FHIR_SYSTEMS[self.scheme]


@dataclass(frozen=True)
class Term:
    """How a class of findings is coded: what was found, and of which category it is where that is known."""

    finding: Code
    category: Code | None = None


MORPHOLOGICALLY_ABNORMAL = Code("49755003", "SCT", "Morphologically abnormal structure")
WRIST_REGION = Code("8205005", "SCT", "Wrist region structure")
LATERALITY = Code("272741003", "SCT", "Laterality")
FINDING = Code("121071", "DCM", "Finding")
PROBABILITY = Code("122157", "DCM", "Probability")
IMAGE_REGION = Code("111030", "DCM", "Image Region")
MEASUREMENT_GROUP = Code("125007", "DCM", "Measurement Group")
IMAGING_MEASUREMENT_REPORT = Code("126000", "DCM", "Imaging Measurement Report")
XRAY_REPORT = Code("43468-8", "LN", "XR unspecified body region")
MILLIMETRE = Code("mm", "UCUM", "millimeter")
UNITY = Code("1", "UCUM", "no units")
PIXELS = Code("1", "UCUM", "pixels")  # UCUM has no pixel, and ignores annotations such as {pixels}

OPERATING_POINT = Code("operating-point", LOCAL_SCHEME, "Operating point")
CALIBRATED_PROBABILITY = Code("calibrated-probability", LOCAL_SCHEME, "Calibrated probability")
IMAGE_CONCLUSIONS = Code("image-conclusions", LOCAL_SCHEME, "Conclusions of the image")
SOP_INSTANCE = Code("sop-instance", LOCAL_SCHEME, "SOP instance")
FRAME = Code("frame", LOCAL_SCHEME, "Frame")
BOX_SIDES = {side: Code(side, LOCAL_SCHEME, f"{side.title()} of the box") for side in ("width", "height")}
BOX_PLACES = {
    name: Code(f"box-{name}", LOCAL_SCHEME, f"Box, {name} in pixels") for name in ("x", "y", "width", "height")
}

_STATUS: dict[Status, Code] = {
    "confirmed": Code("confirmed", LOCAL_SCHEME, "Confirmed: at or above the high-specificity threshold"),
    "possible": Code("possible", LOCAL_SCHEME, "Possible: between the two thresholds"),
    "absent": Code("absent", LOCAL_SCHEME, "Absent: nothing of this class was reported"),
}
_SIDES = {"L": Code("7771000", "SCT", "Left"), "R": Code("24028007", "SCT", "Right")}
_PROJECTIONS = {
    "AP": Code("399348003", "SCT", "Antero-posterior projection"),
    "PA": Code("272479007", "SCT", "Postero-anterior projection"),
    "LATERAL": Code("399067008", "SCT", "Lateral projection"),
    "OBLIQUE": Code("399182000", "SCT", "Oblique projection"),
}
_TERMS = {
    "boneanomaly": Term(Code("boneanomaly", LOCAL_SCHEME, "Bone anomaly"), MORPHOLOGICALLY_ABNORMAL),
    "bonelesion": Term(Code("52988006", "SCT", "Lesion"), MORPHOLOGICALLY_ABNORMAL),
    "foreignbody": Term(Code("19227008", "SCT", "Foreign body")),
    "fracture": Term(Code("72704001", "SCT", "Fracture"), MORPHOLOGICALLY_ABNORMAL),
    "metal": Term(Code("40388003", "SCT", "Implant")),
    "periostealreaction": Term(
        Code("periostealreaction", LOCAL_SCHEME, "Periosteal reaction"), MORPHOLOGICALLY_ABNORMAL
    ),
    "pronatorsign": Term(Code("pronatorsign", LOCAL_SCHEME, "Pronator quadratus sign"), MORPHOLOGICALLY_ABNORMAL),
    "softtissue": Term(Code("65124004", "SCT", "Swelling"), MORPHOLOGICALLY_ABNORMAL),
    "text": Term(Code("text", LOCAL_SCHEME, "Text or marker in the image")),
}


def finding_term(label: str) -> Term:
    """How a class is coded; a label without a verified code has a local one with the label as its text."""
    return _TERMS.get(label) or Term(local_code(label, label))


def own_code(label: str) -> Code:
    """A class in carpal's own system, from which a reader gets the label back."""
    finding = finding_term(label).finding
    return finding if finding.scheme == LOCAL_SCHEME else local_code(label, label)


def local_codes() -> tuple[Code, ...]:
    """Every code of carpal's own system that does not come from a model; a model may add classes of its own."""
    return (
        OPERATING_POINT,
        *_STATUS.values(),
        CALIBRATED_PROBABILITY,
        IMAGE_CONCLUSIONS,
        SOP_INSTANCE,
        FRAME,
        *BOX_SIDES.values(),
        *BOX_PLACES.values(),
        *map(own_code, _TERMS),
    )


def known_terms() -> tuple[Code, ...]:
    """The codes of the classes that this table knows, standard ones where there are any."""
    return tuple(term.finding for term in _TERMS.values())


def status_codes() -> tuple[Code, ...]:
    """The codes of ``confirmed``, ``possible`` and ``absent``."""
    return tuple(_STATUS.values())


def label_of(value: str, scheme: str) -> str | None:
    """The class that a code stands for: the way back from ``finding_term``; None for a code that it never gives."""
    if scheme == LOCAL_SCHEME:
        return value
    return next(
        (label for label, term in _TERMS.items() if (term.finding.value, term.finding.scheme) == (value, scheme)), None
    )


def local_code(value: str, meaning: str) -> Code:
    """A code of carpal's own system; spaces are made single and the meaning is cut to what DICOM holds."""
    return Code(plain(value), LOCAL_SCHEME, plain(meaning, LONGEST_LO))


def status_code(status: Status) -> Code:
    """At which operating point something was reported, or that it was not."""
    return _STATUS[status]


def laterality_code(side: str | None) -> Code | None:
    """The side of the body, from ``L`` or ``R``; none where the source does not say."""
    return _SIDES.get(side) if side else None


def projection_code(projection: str | None) -> Code | None:
    """The projection, from AP, PA, LATERAL or OBLIQUE; none for anything else."""
    return _PROJECTIONS.get(projection.upper()) if projection else None


def plain(text: str, longest: int | None = None) -> str:
    """Text as DICOM's short values hold it, cut to a number of characters.

    Single spaces, no control characters, no backslash (it separates values in DICOM); a dash for nothing.
    """
    readable = "".join(mark if mark.isprintable() else " " for mark in text.replace("\\", "/"))
    return " ".join(readable.split())[:longest].rstrip() or "-"
