"""The parts of a measurement report as moulds: built by highdicom once a model and a class, filled for every image.

The caches hold what depends on their keys alone, so that they change how long a report takes and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from highdicom.coding_schemes import CodingSchemeIdentificationItem
from highdicom.sr import ComprehensiveSR
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import UID, ExplicitVRLittleEndian
from pydicom.valuerep import format_number_as_ds

from carpal.records.coding import LOCAL_SCHEME, LOCAL_SCHEME_NAME, LOCAL_SCHEME_UID, LONGEST_LO, Status, plain
from carpal.records.record import Model
from carpal.records.writers import mould
from carpal.records.writers.mould import Mould
from carpal.records.writers.report_content import (
    MANUFACTURER,
    Kind,
    Reference,
    Values,
    corners,
    evaluation,
    finding_group,
    measurement_report,
    report_without_findings,
    summary,
)

Conclusions = tuple[tuple[str, Status], ...]
SERIES_NUMBER = 9001  # far above what modalities count to

_TEXT_VALUE = Tag("TextValue")
_UID = Tag("UID")
_REFERENCED_UID = Tag("ReferencedSOPInstanceUID")
_REFERENCED_CLASS = Tag("ReferencedSOPClassUID")
_GRAPHIC_DATA = Tag("GraphicData")
_FLOATING_POINT = Tag("FloatingPointValue")
_NUMERIC = Tag("NumericValue")

_ONE_FRAME = "1.2.840.10008.5.1.4.1.1.1"  # computed radiography
_FRAMES = "1.2.840.10008.5.1.4.1.1.7.2"  # multi-frame secondary capture
_IMAGE_UID = "2.25.111111111111111111111111111111111111111"
_TRACKING_UID = "2.25.222222222222222222222222222222222222222"
_STANDINS = Values("tracking stand-in", _TRACKING_UID, (3.0, 5.0, 7.0, 11.0), 0.13, 0.17, 0.19, 0.23)
_SUMMARY = "summary stand-in"
_NUMBERS = ("probability", "calibrated_probability", "width_mm", "height_mm")
# Moments and equipment of the writing itself: the same input must give the same bytes on any day.
_OF_THE_MOMENT = ("InstanceCreationDate", "InstanceCreationTime", "ContributingEquipmentSequence")


def encode_finding(kind: Kind, values: Values, image: Reference) -> bytes:
    """The group of one finding."""
    return _finding_mould(kind, image.frame).fill(_finding_values(values, image))


def encode_document(
    model: Model, image: Reference, groups: Sequence[bytes], conclusions: Conclusions
) -> dict[int, bytes]:
    """Tag to element: all of the document that does not come from patient, study or review.

    Args:
        model: that found.
        image: in which.
        groups: of ``encode_finding``; without one the document is a report without findings.
        conclusions: each class and its status.
    """
    values = {
        **_image_values(image),
        "groups": b"".join(groups),
        "evaluations": b"".join(_evaluation(*one) for one in conclusions),
        "summary": mould.text(_TEXT_VALUE, "UT", summary(conclusions)),
    }
    made = _document_moulds(model, image.frame, found=bool(groups), concluded=bool(conclusions))
    return {tag: each.fill(values) for tag, each in made.items()}


def _finding_values(values: Values, image: Reference) -> dict[str, bytes]:
    return {
        "tracking": mould.text(_TEXT_VALUE, "UT", values.tracking),
        "tracking_uid": mould.uid(_UID, values.tracking_uid),
        **_image_values(image),
        "box": mould.floats(_GRAPHIC_DATA, "FL", *corners(values.box)),
        **{name: _number(getattr(values, name)) for name in _NUMBERS},
    }


def _image_values(image: Reference) -> dict[str, bytes]:
    return {
        "image_class": mould.uid(_REFERENCED_CLASS, image.sop_class_uid),
        "image": mould.uid(_REFERENCED_UID, image.sop_uid),
    }


def _standin_image(frame: int | None) -> Reference:
    """Of a class that highdicom knows: it refuses others, as private ones are. The class is a hole like the UID."""
    return Reference(_ONE_FRAME if frame is None else _FRAMES, _IMAGE_UID, frame)


def _number(value: float) -> bytes:
    """A measured value twice, exactly and in 16 characters, as DICOM PS3.3, C.18.1 has it."""
    return mould.floats(_FLOATING_POINT, "FD", value) + mould.text(_NUMERIC, "DS", format_number_as_ds(value))


@lru_cache(maxsize=1024)
def _finding_mould(kind: Kind, frame: int | None) -> Mould:
    image = _standin_image(frame)
    group = finding_group(kind, _STANDINS, image)
    holes = _finding_values(_STANDINS, image)
    absent = ([] if kind.calibrated else ["calibrated_probability"]) + ([] if kind.sized else ["width_mm", "height_mm"])
    return Mould(mould.encode_items(group), {name: holes[name] for name in holes if name not in absent})


@lru_cache(maxsize=1024)
def _evaluation(label: str, status: Status) -> bytes:
    return mould.encode_items([evaluation(label, status)])


@lru_cache(maxsize=64)
def _document_moulds(model: Model, frame: int | None, *, found: bool, concluded: bool) -> Mapping[int, Mould]:
    image = _standin_image(frame)
    evaluations = [evaluation("stand-in", "absent")] if concluded else []
    standins = _image_values(image)
    if concluded:
        standins["evaluations"] = mould.encode_items(evaluations)
    if found:
        kind = Kind(model, "none", None, "stand-in", "absent", None, sized=False, calibrated=False)
        group = finding_group(kind, _STANDINS, image)
        standins["groups"] = mould.encode_items(group)
        content = measurement_report(model, image, [group], evaluations)
    else:
        standins["summary"] = mould.text(_TEXT_VALUE, "UT", _SUMMARY)
        content = report_without_findings(model, image, evaluations, _SUMMARY)
    document = ComprehensiveSR(
        evidence=[_evidence(image)],
        content=content,
        series_instance_uid=_IMAGE_UID,
        series_number=SERIES_NUMBER,
        sop_instance_uid=_IMAGE_UID,
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=plain(f"{model.name}:{model.version}", LONGEST_LO),
        device_serial_number=model.digest.removeprefix("sha256:"),
        series_description="carpal findings, not for diagnosis",
        coding_schemes=[CodingSchemeIdentificationItem(LOCAL_SCHEME, LOCAL_SCHEME_NAME, uid=LOCAL_SCHEME_UID)],
        transfer_syntax_uid=ExplicitVRLittleEndian,
    )
    for keyword in _OF_THE_MOMENT:
        document.pop(keyword, None)
    made = {}
    for element in document:
        body = mould.encode_element(element)
        if element.keyword == "ContentSequence":
            made[int(element.tag)] = Mould(body, standins)
        else:
            made[int(element.tag)] = Mould(body, {})
    return made


def _evidence(image: Reference) -> Dataset:
    """What highdicom needs to know of the image; patient, study and series are put in for each image."""
    evidence = Dataset()
    evidence.SOPClassUID = UID(image.sop_class_uid)
    evidence.SOPInstanceUID = evidence.SeriesInstanceUID = evidence.StudyInstanceUID = UID(_IMAGE_UID)
    for keyword in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex"):
        setattr(evidence, keyword, "")
    for keyword in ("AccessionNumber", "StudyID", "StudyDate", "StudyTime", "ReferringPhysicianName"):
        setattr(evidence, keyword, "")
    return evidence
