"""The small parts of FHIR resources, as plain data, and what all resources of one bundle have in common."""

from __future__ import annotations

import html
import re
import uuid
from dataclasses import dataclass
from typing import Any, Literal

from carpal.records.coding import Code, plain
from carpal.records.identity import Identity
from carpal.records.record import Record

Release = Literal["r4", "r5"]
Element = dict[str, Any]

# Name spaces, each made once: the uuid5 of "carpal:fhir", "carpal:package-digest", ... in the URL name space.
RESOURCE_NAMESPACE = uuid.UUID("c4baf639-0a2f-502f-a699-ae8aa3b73d85")
PACKAGE_SYSTEM = "urn:uuid:92544e16-e973-56e7-81fc-19be98970932"
IMAGE_SYSTEM = "urn:uuid:14f53f62-7297-5433-80bd-0df23a846ae6"
PATIENT_SYSTEM = "urn:uuid:b2688d05-df84-532b-bfc2-810e1f6068b2"
REVIEWER_SYSTEM = "urn:uuid:a8086a56-a140-5110-95d8-52920505d41e"
UID_SYSTEM = "urn:dicom:uid"
DECIMALS = 12
"""Of a number: FHIR R5 takes 17, and a float of Python may have more. A millionth of a millionth of a pixel."""

_STATUS = {
    "unreviewed": "preliminary",
    "confirmed": "final",
    "corrected": "corrected",
    "rejected": "entered-in-error",
}
_TEST_DATA = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason",
    "code": "HTEST",
    "display": "test health data",
}
# FHIR R4, 2.24.0.1: an instant is a date, a time to the second at least, and a time zone.
_INSTANT = re.compile(
    r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?"
    r"(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)"
)


@dataclass(frozen=True)
class Case:
    """A record on its way into a bundle.

    Attributes:
        record: what is written.
        release: in which release.
        identity: how the image is known to DICOM.
        acquired: when the image was made, as a dateTime of FHIR; None where that is not known.
    """

    record: Record
    release: Release
    identity: Identity
    acquired: str | None = None

    @property
    def r5(self) -> bool:
        """Whether FHIR R5 is written; R4 otherwise."""
        return self.release == "r5"

    @property
    def status(self) -> str:
        """Of observations and report: preliminary until a person has looked at the record."""
        return _STATUS[self.record.review.state]

    @property
    def subject(self) -> Element:
        """The patient by pseudonym; unknown where the record has none."""
        key = self.record.source.patient_key
        return logical("Patient", PATIENT_SYSTEM, key) if key else {**absent("unknown"), "display": "Unknown patient"}

    @property
    def effective(self) -> Element:
        """When what is observed was so: when the image was made."""
        if self.acquired is None:
            return {"_effectiveDateTime": absent("unknown")}
        return {"effectiveDateTime": self.acquired}

    @property
    def reviewers(self) -> list[Element]:
        """Each person who reviewed it, by pseudonym, in the order of their last look."""
        last = {event.by: place for place, event in enumerate(self.record.review.history)}
        return [logical("Practitioner", REVIEWER_SYSTEM, name) for name in sorted(last, key=lambda name: last[name])]

    @property
    def performers(self) -> list[Element]:
        """Who answers for an observation; FHIR takes no device here, so an unreviewed one says that it is no person."""
        return self.reviewers or [{**absent("not-applicable"), "display": "No person: see device"}]

    @property
    def reviewed_at(self) -> str | None:
        """When the last person looked at it, where the record says so in a form that FHIR takes."""
        return instant(self.record.review.history[-1].at) if self.record.review.history else None

    def id_of(self, role: str) -> str:
        """The id of this record's resource with a role: the same for the same record, whoever sends it."""
        return str(uuid.uuid5(RESOURCE_NAMESPACE, f"{self.record.id}/{role}"))

    def refer(self, role: str) -> Element:
        """A reference to the resource with a role, within the bundle."""
        return {"reference": f"urn:uuid:{self.id_of(role)}"}

    def resource(self, kind: str, role: str, *words: str, **elements: Any) -> Element:
        """A resource that belongs to this record alone, with its narrative; elements without a value are left out."""
        text = narrative(*words)
        return known(resourceType=kind, id=self.id_of(role), meta=self.meta, text=text, **elements)

    @property
    def meta(self) -> Element | None:
        """Marks what an emulated engine made as test data, so that nobody takes it for a result."""
        return {"security": [_TEST_DATA]} if self.record.model.emulated else None


def known(**elements: Any) -> Element:
    """The elements that have a value: FHIR has no null and no empty list."""
    return {name: value for name, value in elements.items() if value is not None and value != []}


def coding(code: Code) -> Element:
    """A Coding."""
    return {"system": code.system, "code": code.value, "display": code.meaning}


def concept(*codes: Code, text: str | None = None) -> Element:
    """A CodeableConcept of codings that mean the same; its text is the meaning of the first unless given."""
    return {"coding": [coding(code) for code in codes], "text": text or codes[0].meaning}


def narrative(*words: str) -> Element:
    """What a resource says in words, a paragraph each, for people whose program does not know the resource."""
    paragraphs = "".join(f"<p>{html.escape(plain(word), quote=False)}</p>" for word in words)
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{paragraphs}</div>'}


def decimal(value: float) -> float:
    """A number that both releases take as a decimal."""
    return round(value, DECIMALS)


def quantity(value: float, unit: Code) -> Element:
    """A Quantity in a unit of UCUM."""
    return {"value": decimal(value), "unit": unit.meaning, "system": unit.system, "code": unit.value}


def component(code: Code, **value: Any) -> Element:
    """A component of an Observation."""
    return {"code": concept(code), **value}


def uid_identifier(uid: str, *, temporary: bool = False) -> Element:
    """The Identifier of a DICOM object, as FHIR's ImagingStudy says it."""
    return known(use="temp" if temporary else None, system=UID_SYSTEM, value=f"urn:oid:{uid}")


def logical(kind: str, system: str, value: str) -> Element:
    """A reference by identifier to a resource that is not in the bundle and need not be on the server."""
    return {"type": kind, "identifier": {"system": system, "value": value}}


def absent(reason: Literal["unknown", "not-applicable"]) -> Element:
    """In place of an element that FHIR demands or recommends and the record does not hold."""
    return {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": reason}]}


def instant(text: str) -> str | None:
    """A time that FHIR takes as an instant, else nothing."""
    return text if _INSTANT.fullmatch(text) else None
