"""What every DICOM object that carpal writes has in its head: patient and study, moments, series, file meta.

Patient and study are copied from the source object, because the result belongs beside it; they never leave the
hospital's own archive that way. An image without a source object has them empty.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, date, datetime

import orjson
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info
from pydicom.tag import Tag
from pydicom.uid import UID, ExplicitVRLittleEndian

from carpal.records.identity import Identity, synthetic_uid
from carpal.records.record import Record, ReviewEvent
from carpal.records.writers import mould

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
# The day of what has no date: no day at all would be against the standard, today would make two files of one.
NO_DATE, NO_TIME = "19700101", "000000"

_TYPE_2 = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
)
_COPIED = (
    *_TYPE_2,
    "IssuerOfPatientID",
    "OtherPatientIDsSequence",
    "PatientAge",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "DeidentificationMethodCodeSequence",
    "ClinicalTrialSponsorName",
    "ClinicalTrialProtocolID",
    "ClinicalTrialProtocolName",
    "ClinicalTrialSiteID",
    "ClinicalTrialSiteName",
    "ClinicalTrialSubjectID",
    "ClinicalTrialSubjectReadingID",
    "StudyDescription",
    "IssuerOfAccessionNumberSequence",
    "ProcedureCodeSequence",
    "TimezoneOffsetFromUTC",
)
_MOMENTS = ("Content", "Acquisition", "Series", "Study")
_TIME = re.compile(r"([01]\d|2[0-3])[0-5]\d([0-5]\d|60)(\.\d{1,6})?")
_DATE_BYTES = 8
_DEEPEST = 8
REPORT = "report"
_NUMBER = re.compile(r"[0-9]{1,9}")
_SAID = {"findings", "conclusions", "model", "preprocessing_digest", "review"}
_IMPLEMENTATION_UID = UID(synthetic_uid("carpal", "implementation"))
_IMPLEMENTATION = "CARPAL"


def patient_and_study(source: Dataset | None, identity: Identity) -> Dataset:
    """The patient, study and character set of an object that belongs beside the source; text becomes UTF-8.

    Args:
        source: the object that was read, without its pixels or with them; None for an image that is no DICOM object.
        identity: UIDs of the image.
    """
    head = Dataset()
    head.SpecificCharacterSet = mould.CHARACTER_SET
    for keyword in _TYPE_2:
        head.add(DataElement(Tag(keyword), dictionary_VR(keyword), None))
    for keyword in _COPIED if source is not None else ():
        if element := element_of(source, keyword):
            head.add(element)
    head.StudyInstanceUID = identity.study_uid
    return head


def element_of(source: Dataset | None, keyword: str) -> DataElement | None:
    """An element of the source as the standard has it; none where it is absent or broken.

    Other people's files have values that do not decode, and what pydicom raises for them has no common base. A header
    with a broken value left out is of more use beside the image than no report.
    """
    if source is None or keyword not in source:
        return None
    try:
        element = source[keyword]
        if element.VR == "SQ":
            _check_items(element, _DEEPEST)
            mould.encode_element(element)
    except Exception:
        return None
    if element.VR in _CHECKED and not all(_CHECKED[element.VR](text) for text in _texts(element)):
        return None
    return element if dictionary_VR(Tag(keyword)) == element.VR else None


def _texts(element: DataElement) -> list[str]:
    values = element.value if element.VM > 1 else [element.value]
    return [str(value) for value in values if value]


def is_date(text: str) -> bool:
    """Whether a text is a day of the calendar, as DA has it: YYYYMMDD."""
    if len(text) != _DATE_BYTES or not text.isdigit():
        return False
    try:
        date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return False
    return True


def is_time(text: str) -> bool:
    """Whether a text is a time of the day, as TM has it with seconds: HHMMSS and a fraction."""
    return _TIME.fullmatch(text) is not None


_CHECKED: dict[str, Callable[[str], bool]] = {"DA": is_date, "TM": lambda text: is_time(text.ljust(6, "0"))}


def _check_items(element: DataElement, levels: int) -> None:
    """Decode all that is in a sequence, which pydicom does only when it is asked.

    It is not left to the encoder: pydicom doubles the message of a failure with each level above it.

    Raises:
        RecursionError: there are more levels than a header needs.
        Exception: whatever pydicom raises for broken bytes.
    """
    if levels == 0:
        raise RecursionError
    for item in element.value:
        for tag in item.keys():  # noqa: SIM118 - iterating over the data set would decode on the way
            if (inner := item[tag]).VR == "SQ":
                _check_items(inner, levels - 1)


def instance_number(source: Dataset | None) -> int:
    """That of the source, 1 where it has none that is a number of the standard."""
    element = element_of(source, "InstanceNumber")
    number = str(element.value).strip() if element else ""
    return int(number) if _NUMBER.fullmatch(number) else 1


def content_moment(source: Dataset | None, verifier: ReviewEvent | None) -> tuple[str, str]:
    """Date and time of the content, taken from what is described and never from the clock.

    That of the review; else the first date of content, acquisition, series and study of the source; else 1970-01-01.
    """
    if verifier and (moment := utc(verifier.at)):
        return moment.strftime("%Y%m%d"), moment.strftime("%H%M%S")
    if source is None:
        return NO_DATE, NO_TIME
    for name in _MOMENTS:
        elements = (element_of(source, f"{name}{part}") for part in ("Date", "Time"))
        day, time = (str(element.value or "") if element else "" for element in elements)
        if is_date(day):
            return day, time if is_time(time) else NO_TIME
    return NO_DATE, NO_TIME


def verifier_of(record: Record) -> ReviewEvent | None:
    """Who answers for the content: the last reviewer, where the record was confirmed or corrected."""
    review = record.review
    return review.history[-1] if review.state in ("confirmed", "corrected") and review.history else None


def utc(moment: str) -> datetime | None:
    """An RFC 3339 time as UTC; none where it is no time, and UTC is taken where it has no zone."""
    try:
        read = datetime.fromisoformat(moment)
    except ValueError:
        return None
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def content_digest(record: Record) -> str:
    """SHA-256 of what a record says: its findings, conclusions, model and review, and none of its timings."""
    said = record.model_dump(mode="json", include=_SAID)
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()


def result_uids(record: Record, identity: Identity, kind: str) -> tuple[str, str]:
    """Series and SOP instance UID of a result: the same input, model and review give the same two.

    A report has a series of its own, because OHIF opens one report of a series; the captures of a model share one in a
    study. Another threshold or a review gives another instance, because an archive keeps the first object that it gets
    under a UID.
    """
    frame = str(record.source.frame)
    instance = synthetic_uid(identity.sop_uid, record.source.digest, frame, content_digest(record), kind)
    own = kind == REPORT
    series = synthetic_uid(instance, "series") if own else synthetic_uid(identity.study_uid, record.model.digest, kind)
    return series, instance


def part10(sop_class_uid: str, sop_uid: str, body: bytes) -> bytes:
    """A DICOM file of elements that are encoded in Explicit VR Little Endian."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(sop_class_uid)
    meta.MediaStorageSOPInstanceUID = UID(sop_uid)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = _IMPLEMENTATION_UID
    meta.ImplementationVersionName = _IMPLEMENTATION
    head = DicomBytesIO()
    write_file_meta_info(head, meta, enforce_standard=True)
    return b"\0" * 128 + b"DICM" + head.getvalue() + body
