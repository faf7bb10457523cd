"""The image in FHIR: its ImagingStudy, and in R5 one ImagingSelection a finding, the region in source pixels."""

from __future__ import annotations

import re

from carpal.records.coding import IMAGE_REGION, WRIST_REGION, Code, laterality_code
from carpal.records.identity import is_uid
from carpal.records.record import Finding, Source
from carpal.records.writers.fhir_elements import (
    Case,
    Element,
    absent,
    coding,
    concept,
    decimal,
    known,
    narrative,
    uid_identifier,
)

STUDY = "study"
_MODALITY = re.compile(r"[A-Z0-9]{1,16}")  # DICOM's value representation CS, without spaces


def imaging_study(case: Case) -> Element:
    """The study, as far as one image tells of it: one series with one instance.

    It is only created where the server has no study with this UID (see ``fhir.py``): what an archive knows of a
    study is more than this and is never replaced. Modality and SOP class, which FHIR demands, are said to be unknown
    where the source has none, as a PNG.
    """
    identity, source = case.identity, case.record.source
    side = laterality_code(source.laterality)
    site = {"concept": concept(WRIST_REGION)} if case.r5 else coding(WRIST_REGION)
    series = known(
        uid=identity.series_uid,
        modality=_modality(source.modality, case),
        bodySite=site,
        laterality=_word(side, case) if side else None,
        instance=[{"uid": identity.sop_uid, "sopClass": _sop_class(source) or absent("unknown")}],
    )
    return known(
        resourceType="ImagingStudy",
        text=narrative(f"Study {identity.study_uid} with the image {identity.sop_uid}."),
        identifier=[uid_identifier(identity.study_uid, temporary=identity.synthetic)],
        status="unknown" if identity.synthetic else "available",
        subject=case.subject,
        started=case.acquired,
        series=[series],
        note=[{"text": "The image came without DICOM identity; its UIDs are made from its digest."}]
        if identity.synthetic
        else None,
    )


def selection_role(index: int) -> str:
    """The role of a finding's region in a bundle."""
    return f"region/{index}"


def imaging_selection(case: Case, index: int, finding: Finding) -> Element:
    """R5 only: the box of a finding as a closed polyline of five points, x and y in turn, in source pixels.

    The origin is the top-left corner of the top-left pixel, as in DICOM's SCOORD (PS3.3, C.18.6).
    """
    box, identity = finding.box, case.identity
    corners = (box.x0, box.y0, box.x1, box.y0, box.x1, box.y1, box.x0, box.y1, box.x0, box.y0)
    frame = case.record.source.frame
    instance = known(
        uid=identity.sop_uid,
        sopClass=_sop_class(case.record.source),
        subset=[str(frame)] if frame else None,
        imageRegion2D=[{"regionType": "polyline", "coordinate": [decimal(edge) for edge in corners]}],
    )
    return case.resource(
        "ImagingSelection",
        selection_role(index),
        f"Region of {finding.label} in the image {identity.sop_uid}: from ({box.x0:g}, {box.y0:g}) "
        f"to ({box.x1:g}, {box.y1:g}) pixels.",
        status="entered-in-error" if case.record.review.state == "rejected" else "available",
        subject=case.subject,
        code=concept(IMAGE_REGION),
        derivedFrom=[case.refer(STUDY)],
        studyUid=identity.study_uid,
        seriesUid=identity.series_uid,
        instance=[instance],
    )


def _modality(modality: str | None, case: Case) -> Element:
    """DICOM's code for the modality, without a display: the record has the code alone."""
    if not modality or not _MODALITY.fullmatch(modality):
        return absent("unknown")
    code = {"system": IMAGE_REGION.system, "code": modality}
    return {"coding": [code]} if case.r5 else code


def _sop_class(source: Source) -> Element | None:
    uid = source.sop_class_uid
    return {"system": "urn:ietf:rfc:3986", "code": f"urn:oid:{uid}"} if uid and is_uid(uid) else None


def _word(code: Code, case: Case) -> Element:
    """A CodeableConcept in R5 where R4 has a Coding."""
    return concept(code) if case.r5 else coding(code)
