"""Observations: one a finding, and one for what the image says of every class."""

from __future__ import annotations

from decimal import Decimal

from carpal.records.coding import (
    BOX_PLACES,
    BOX_SIDES,
    CALIBRATED_PROBABILITY,
    FINDING,
    FRAME,
    IMAGE_CONCLUSIONS,
    LATERALITY,
    MEASUREMENT_GROUP,
    MILLIMETRE,
    OPERATING_POINT,
    PIXELS,
    PROBABILITY,
    SOP_INSTANCE,
    UNITY,
    WRIST_REGION,
    Code,
    finding_term,
    laterality_code,
    own_code,
    status_code,
)
from carpal.records.record import Conclusion, Finding
from carpal.records.writers.fhir_elements import Case, Element, component, concept, decimal, known, quantity
from carpal.records.writers.fhir_imaging import STUDY, selection_role

CONCLUSIONS = "conclusions"
DEVICE = "device"

_IMAGING = {
    "coding": [
        {
            "system": "http://terminology.hl7.org/CodeSystem/observation-category",
            "code": "imaging",
            "display": "Imaging",
        }
    ]
}
_INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
_INTERPRETATIONS = {
    "confirmed": {"system": _INTERPRETATION, "code": "POS", "display": "Positive"},
    "possible": {"system": _INTERPRETATION, "code": "E", "display": "Equivocal"},
    "absent": {"system": _INTERPRETATION, "code": "NEG", "display": "Negative"},
}


def finding_role(index: int) -> str:
    """The role of a finding in a bundle."""
    return f"finding/{index}"


def finding_observation(case: Case, index: int, finding: Finding) -> Element:
    """A finding: what, where, how probable.

    The code is the finding's category where it has one (as in HL7's mapping of DICOM SR TID 1410), the value what was
    found, in standard terms where there are any and always in the model's own. In R5 the box is an ImagingSelection;
    R4 has none, so there the box is four components in source pixels.
    """
    term = finding_term(finding.label)
    derived = [case.refer(STUDY), case.refer(selection_role(index))] if case.r5 else [case.refer(STUDY)]
    return case.resource(
        "Observation",
        finding_role(index),
        f"{term.finding.meaning}, {finding.status}, probability {finding.probability:.2f}.",
        status=case.status,
        category=_categories(case),
        code=concept(term.category or FINDING),
        subject=case.subject,
        **case.effective,
        performer=case.performers,
        valueCodeableConcept=concept(*_same(term.finding, finding.label)),
        interpretation=[_interpretation(finding.status)],
        bodySite=concept(WRIST_REGION),
        method=_method(case),
        device=case.refer(DEVICE),
        derivedFrom=derived,
        component=[*_measures(finding), *_sizes(finding), *_side(case), *([] if case.r5 else _place(case, finding))],
    )


def conclusions_observation(case: Case) -> Element:
    """What the image says of each class of the model, one component a class, absent ones too."""
    return case.resource(
        "Observation",
        CONCLUSIONS,
        "What the image says of each class of the model.",
        *(f"{finding_term(item.label).finding.meaning}: {item.status}." for item in case.record.conclusions),
        status=case.status,
        category=_categories(case),
        code=concept(IMAGE_CONCLUSIONS),
        subject=case.subject,
        **case.effective,
        performer=case.performers,
        bodySite=concept(WRIST_REGION),
        method=_method(case),
        device=case.refer(DEVICE),
        hasMember=[case.refer(finding_role(index)) for index in range(len(case.record.findings))],
        derivedFrom=[case.refer(STUDY)],
        component=[*map(_conclusion, case.record.conclusions), *_side(case), *_image(case)],
    )


def _categories(case: Case) -> list[Element]:
    return [_IMAGING, concept(MEASUREMENT_GROUP)] if case.r5 else [_IMAGING]


def _same(standard: Code, label: str) -> tuple[Code, ...]:
    """The standard code and the model's own, so that a reader gets the label back; one where they are the same."""
    own = own_code(label)
    return (standard,) if standard == own else (standard, own)


def _interpretation(status: str) -> Element:
    return {"coding": [_INTERPRETATIONS[status]]}


def _conclusion(conclusion: Conclusion) -> Element:
    """A class and whether it was seen; its code is that of the class, its value the status.

    The reference range says from which probability on a finding of the class was reported, where that is known:
    absent means no more than that nothing reached it.
    """
    threshold = conclusion.threshold
    reported = None if threshold is None else {"low": quantity(threshold, UNITY), "text": "Reported from here on"}
    return known(
        code=concept(*_same(finding_term(conclusion.label).finding, conclusion.label)),
        valueCodeableConcept=concept(status_code(conclusion.status)),
        interpretation=[_interpretation(conclusion.status)],
        referenceRange=[reported] if reported else None,
    )


def _measures(finding: Finding) -> list[Element]:
    """How probable, as the network says it and calibrated, and which operating point that reaches."""
    found = [component(PROBABILITY, valueQuantity=quantity(finding.probability, UNITY))]
    if finding.calibrated_probability is not None:
        calibrated = quantity(finding.calibrated_probability, UNITY)
        found.append(component(CALIBRATED_PROBABILITY, valueQuantity=calibrated))
    found.append(component(OPERATING_POINT, valueCodeableConcept=concept(status_code(finding.status))))
    return found


def _sizes(finding: Finding) -> list[Element]:
    """Width and height in mm where the pixel spacing is known."""
    if finding.size_mm is None:
        return []
    sides = {"width": finding.size_mm.width, "height": finding.size_mm.height}
    return [component(BOX_SIDES[side], valueQuantity=quantity(length, MILLIMETRE)) for side, length in sides.items()]


def _side(case: Case) -> list[Element]:
    """Left or right, as a component: FHIR has it in BodyStructure only, which demands a Patient."""
    side = laterality_code(case.record.source.laterality)
    return [component(LATERALITY, valueCodeableConcept=concept(side))] if side else []


def _place(case: Case, finding: Finding) -> list[Element]:
    """R4: the image, and the box in its pixels. Width and height are taken in decimal, so that x + width gives x1."""
    box = finding.box
    numbers = {
        "x": box.x0,
        "y": box.y0,
        "width": _difference(box.x1, box.x0),
        "height": _difference(box.y1, box.y0),
    }
    return [
        *_image(case),
        *(component(BOX_PLACES[name], valueQuantity=quantity(number, PIXELS)) for name, number in numbers.items()),
    ]


def _difference(end: float, start: float) -> float:
    return float(Decimal(repr(decimal(end))) - Decimal(repr(decimal(start))))


def _image(case: Case) -> list[Element]:
    """Which image of the study it is about, and which frame of it where there are several."""
    frame = case.record.source.frame
    instance = component(SOP_INSTANCE, valueString=f"urn:oid:{case.identity.sop_uid}")
    return [instance, component(FRAME, valueInteger=frame)] if frame else [instance]


def _method(case: Case) -> Element:
    """How it was done, in words: a Device is the model, and one model may run on several engines."""
    model, chain = case.record.model, case.record.preprocessing_digest
    how = f"{model.variant} ({model.precision}) on {model.engine} {model.engine_version}, preprocessing {chain}"
    return {"text": how}
