"""A record as a DICOM structured report (Comprehensive SR), to be stored beside the image.

With findings it is a measurement report (TID 1500), without one a diagnostic imaging report (TID 2000).

The same record, source and review give the same bytes. ``docs/reference/dicom-sr.md`` says what is written where.
"""

from __future__ import annotations

from functools import lru_cache

from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import UID

from carpal.imaging.dicom_file import accept_foreign_values
from carpal.records.identity import Identity, dicom_identity, synthetic_uid
from carpal.records.record import Finding, Record, ReviewEvent
from carpal.records.writers import mould
from carpal.records.writers.dicom_header import (
    REPORT,
    SECONDARY_CAPTURE,
    content_moment,
    instance_number,
    part10,
    patient_and_study,
    result_uids,
    utc,
    verifier_of,
)
from carpal.records.writers.report_content import OHIF_RECTANGLE, Kind, Reference, Values
from carpal.records.writers.report_moulds import encode_document, encode_finding

COMPREHENSIVE_SR = "1.2.840.10008.5.1.4.1.1.88.33"
MULTI_FRAME_CAPTURE = "1.2.840.10008.5.1.4.1.1.7.3"  # of 16-bit grey frames
_WITH_FRAMES = (
    "1.2.840.10008.5.1.4.1.1.7."  # the four multi-frame captures; radiographs of other classes have one frame
)

_EVIDENCE = Tag("CurrentRequestedProcedureEvidenceSequence")
_REVIEWS = {
    "unreviewed": "Not reviewed by a person",
    "confirmed": "Confirmed by a reviewer",
    "corrected": "Corrected by a reviewer",
    "rejected": "Rejected by a reviewer",
}
_NOT_STATED = "not stated"
_LONGEST_PART_OF_NAME = 64


def structured_report(record: Record, source: Dataset | None = None) -> bytes:
    """The report as a DICOM file.

    Args:
        record: what carpal says of one radiograph.
        source: the DICOM object that was read (its pixels are not touched), for patient and study; None for an image
            without one, which gets the identity of ``carpal.records.identity`` and empty patient fields.

    Returns:
        Explicit VR Little Endian with preamble and file meta. Coordinates are source pixels, column before row, as
        float32, from the top-left corner of the top-left pixel. The document is UNVERIFIED, PARTIAL and PRELIMINARY
        until ``record.review`` says that somebody confirmed or corrected it.
    """
    accept_foreign_values()
    identity = dicom_identity(record.source)
    image = reference(record, identity)
    series_uid, sop_uid = result_uids(record, identity, REPORT)
    groups = [encode_finding(*finding_parts(record, index, identity), image) for index in range(len(record.findings))]
    conclusions = tuple((conclusion.label, conclusion.status) for conclusion in record.conclusions)
    elements = encode_document(record.model, image, groups, conclusions)
    elements[_EVIDENCE] = _evidence(identity, image)
    head = patient_and_study(source, identity)
    head.SOPInstanceUID, head.SeriesInstanceUID = UID(sop_uid), UID(series_uid)
    head.InstanceNumber = instance_number(source)
    verifier = verifier_of(record)
    head.ContentDate, head.ContentTime = content_moment(source, verifier)
    _review(head, record, verifier)
    elements.update((int(element.tag), mould.encode_element(element)) for element in head)
    return part10(COMPREHENSIVE_SR, sop_uid, b"".join(elements[tag] for tag in sorted(elements)))


def reference(record: Record, identity: Identity) -> Reference:
    """How the image is pointed to; one that is no DICOM object as the secondary capture that it would be.

    A frame is named only where the class has frames (DICOM PS3.3, 10.3).
    """
    frame = record.source.frame
    sop_class_uid = record.source.sop_class_uid or (SECONDARY_CAPTURE if frame is None else MULTI_FRAME_CAPTURE)
    return Reference(sop_class_uid, identity.sop_uid, frame if sop_class_uid.startswith(_WITH_FRAMES) else None)


def finding_parts(record: Record, index: int, identity: Identity) -> tuple[Kind, Values]:
    """What the group of a finding is made of; ``index`` counts from 0, strongest first."""
    finding = record.findings[index]
    kind = Kind(
        model=record.model,
        preprocessing_digest=record.preprocessing_digest,
        side=record.source.laterality,
        label=finding.label,
        status=finding.status,
        threshold=_threshold(record, finding),
        sized=finding.size_mm is not None,
        calibrated=finding.calibrated_probability is not None,
    )
    box, size = finding.box, finding.size_mm
    values = Values(
        tracking=f"{OHIF_RECTANGLE}:{finding.label} {index + 1}",
        tracking_uid=synthetic_uid(_place(record, identity), f"finding {index}"),
        box=(box.x0, box.y0, box.x1, box.y1),
        probability=finding.probability,
        calibrated_probability=finding.calibrated_probability or 0.0,
        width_mm=size.width if size else 0.0,
        height_mm=size.height if size else 0.0,
    )
    return kind, values


def _place(record: Record, identity: Identity) -> str:
    """What tracking identifiers are made from: image, frame and record."""
    return f"{identity.sop_uid}|{record.source.frame}|{record.id}"


def _threshold(record: Record, finding: Finding) -> float | None:
    return next((one.threshold for one in record.conclusions if one.label == finding.label), None)


def _review(head: Dataset, record: Record, verifier: ReviewEvent | None) -> None:
    """The flags of the SR Document General module, and who verified."""
    head.CompletionFlag = "COMPLETE" if verifier else "PARTIAL"
    head.CompletionFlagDescription = _REVIEWS[record.review.state]
    head.VerificationFlag = "VERIFIED" if verifier else "UNVERIFIED"
    head.PreliminaryFlag = "FINAL" if verifier else "PRELIMINARY"
    if verifier:
        head.VerifyingObserverSequence = [_observer(verifier, f"{head.ContentDate}{head.ContentTime}")]


def _observer(verifier: ReviewEvent, content_moment: str) -> Dataset:
    """The reviewer, by the pseudonym that the record knows."""
    moment = utc(verifier.at)
    observer = Dataset()
    observer.VerifyingOrganization = _NOT_STATED
    observer.VerificationDateTime = moment.strftime("%Y%m%d%H%M%S+0000") if moment else content_moment
    name = "".join(mark if mark.isprintable() and mark not in "\\^=" else " " for mark in verifier.by)
    observer.VerifyingObserverName = (name[:_LONGEST_PART_OF_NAME].strip() or _NOT_STATED) + "^"
    observer.VerifyingObserverIdentificationCodeSequence = []
    return observer


def _evidence(identity: Identity, image: Reference) -> bytes:
    """The image by study, series and instance: what archives list the report under."""
    values = {name: mould.uid(tag, getattr(identity, name)) for name, tag in _EVIDENCE_HOLES.items()}
    return _evidence_mould(image.sop_class_uid).fill(values)


_EVIDENCE_HOLES = {
    "study_uid": Tag("StudyInstanceUID"),
    "series_uid": Tag("SeriesInstanceUID"),
    "sop_uid": Tag("ReferencedSOPInstanceUID"),
}


@lru_cache(maxsize=64)
def _evidence_mould(sop_class_uid: str) -> mould.Mould:
    study, series, instance = Dataset(), Dataset(), Dataset()
    instance.ReferencedSOPClassUID, instance.ReferencedSOPInstanceUID = UID(sop_class_uid), UID("2.25.3")
    series.SeriesInstanceUID, series.ReferencedSOPSequence = UID("2.25.2"), [instance]
    study.StudyInstanceUID, study.ReferencedSeriesSequence = UID("2.25.1"), [series]
    standins = {"study_uid": "2.25.1", "series_uid": "2.25.2", "sop_uid": "2.25.3"}
    holes = {name: mould.uid(tag, standins[name]) for name, tag in _EVIDENCE_HOLES.items()}
    return mould.Mould(mould.sequence(_EVIDENCE, mould.encode_items([study])), holes)
