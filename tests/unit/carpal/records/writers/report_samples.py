"""A source object, and records of it, for the tests of structured report and secondary capture."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian
from tests.unit.carpal.records.writers.fhir_samples import UIDS, record, source

from carpal.records.record import Record

CR = "1.2.840.10008.5.1.4.1.1.1"


def dicom_record(*args: Any, **changes: Any) -> Record:
    """A record of a CR object."""
    return record(*args, **{"source": source(sop_class_uid=CR), **changes})


def png_record(**changes: Any) -> Record:
    """A record of an image without DICOM identity."""
    bare = source(media_type="image/png", laterality=None, **dict.fromkeys(UIDS))
    return record(**{"source": bare, **changes})


def source_object(**changes: Any) -> Dataset:
    """The CR object's head, read from Latin-1 bytes as an archive would give it."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.PatientName, ds.PatientID, ds.PatientSex = "Müller^Änne", "4711", "F"
    ds.PatientBirthDate = "20100101"
    ds.StudyDate, ds.StudyTime, ds.StudyID, ds.AccessionNumber = "20240305", "101112", "1", "A1"
    ds.StudyDescription = "Handgelenk rechts, Fraktur möglich"
    ds.StudyInstanceUID = UID(UIDS["study_instance_uid"])
    ds.SeriesInstanceUID = UID(UIDS["series_instance_uid"])
    ds.SOPInstanceUID, ds.SOPClassUID = UID(UIDS["sop_instance_uid"]), UID(CR)
    ds.Modality, ds.InstanceNumber = "CR", 3
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    stream = BytesIO()
    pydicom.dcmwrite(stream, ds, implicit_vr=False, little_endian=True)
    stream.seek(0)
    read = pydicom.dcmread(stream, force=True)
    read.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return read


def parsed(body: bytes) -> Dataset:
    """A DICOM file as pydicom reads it."""
    return pydicom.dcmread(BytesIO(body))
