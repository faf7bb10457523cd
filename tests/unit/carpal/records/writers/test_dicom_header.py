from __future__ import annotations

import struct
from io import BytesIO

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import config, dcmread, dcmwrite
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from tests.unit.carpal.records.writers.fhir_samples import EVENT, reviewed
from tests.unit.carpal.records.writers.report_samples import dicom_record, parsed, png_record, source_object

from carpal.records.identity import dicom_identity
from carpal.records.record import Review, ReviewEvent, Timings
from carpal.records.writers import mould
from carpal.records.writers.dicom_header import (
    content_moment,
    element_of,
    instance_number,
    part10,
    patient_and_study,
    result_uids,
    utc,
    verifier_of,
)
from carpal.records.writers.report import structured_report


def written(ds: Dataset) -> Dataset:
    return parsed(part10("1.2.840.10008.5.1.4.1.1.7", "2.25.1", mould.encode_dataset(ds)))


def test_patient_and_study_are_those_of_the_source_and_text_becomes_utf_8():
    head = written(patient_and_study(source_object(), dicom_identity(dicom_record().source)))
    assert head.SpecificCharacterSet == "ISO_IR 192"
    assert (str(head.PatientName), head.PatientID, head.PatientSex) == ("Müller^Änne", "4711", "F")
    assert (head.StudyDate, head.AccessionNumber) == ("20240305", "A1")
    assert head.StudyDescription == "Handgelenk rechts, Fraktur möglich"


def test_text_within_sequences_becomes_utf_8_too():
    procedure = Dataset()
    procedure.CodeValue, procedure.CodingSchemeDesignator, procedure.CodeMeaning = "1", "99X", "Röntgen"
    source = source_object(ProcedureCodeSequence=[procedure])
    head = written(patient_and_study(source, dicom_identity(dicom_record().source)))
    assert head.ProcedureCodeSequence[0].CodeMeaning == "Röntgen"


def test_without_a_source_object_the_patient_is_empty_and_the_study_synthetic():
    head = written(patient_and_study(None, dicom_identity(png_record().source)))
    empty = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID")
    assert all(keyword in head and not head[keyword].value for keyword in empty)
    assert head.StudyInstanceUID.startswith("2.25.")


def broken(keyword: str, vr: str, value: bytes) -> Dataset:
    """The source object with one element as a broken device might write it."""
    whole = source_object(SpecificCharacterSet=mould.CHARACTER_SET)
    elements = {int(one.tag): mould.encode_element(one) for one in whole if one.keyword != keyword}
    tag = Tag(keyword)
    length = struct.pack("<HI", 0, len(value)) if vr == "SQ" else struct.pack("<H", len(value))
    elements[int(tag)] = struct.pack("<HH2s", tag.group, tag.element, vr.encode()) + length + value
    return pydicom.dcmread(BytesIO(b"".join(elements[each] for each in sorted(elements))), force=True)


@pytest.mark.parametrize(
    ("keyword", "vr", "value"),
    [
        ("PatientID", "FD", b"abcd"),
        ("ProcedureCodeSequence", "SQ", b"\x00\x01\x02\x03"),
        ("StudyDescription", "SQ", b"\x00\x01\x02\x03"),
    ],
)
def test_a_broken_value_is_left_out(keyword: str, vr: str, value: bytes):
    source = broken(keyword, vr, value)
    assert element_of(source, keyword) is None
    head = written(patient_and_study(source, dicom_identity(dicom_record().source)))
    assert not head.get(keyword)
    assert str(head.PatientName) == "Müller^Änne"


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
@pytest.mark.parametrize(("value", "expected"), [(b"7 ", 7), (b"abc ", 1), (b"", 1), (b"-3", 1), (b"1\\2 ", 1)])
def test_the_instance_number_is_the_sources_where_it_is_one(value: bytes, expected: int):
    assert instance_number(broken("InstanceNumber", "IS", value)) == expected


@settings(max_examples=60, deadline=None)
@given(
    keyword=st.sampled_from(
        ["PatientName", "PatientID", "StudyDate", "ContentTime", "ProcedureCodeSequence", "StudyID"]
    ),
    vr=st.sampled_from(["PN", "LO", "SH", "DA", "TM", "SQ", "DS", "US"]),
    value=st.binary(max_size=40),
)
@pytest.mark.filterwarnings("ignore")
def test_no_bytes_of_a_header_stop_a_report(keyword: str, vr: str, value: bytes):
    source = broken(keyword, vr, value + b" " * (len(value) % 2))
    assert parsed(structured_report(dicom_record(()), source)).StudyInstanceUID


@pytest.mark.parametrize("levels", [4, 30])
def test_a_broken_value_deep_in_a_sequence_costs_nothing(levels: int):
    """Pydicom doubles the message of a failure with each level above it."""
    inner = Dataset()
    inner.add(DataElement("Rows", "OB", b"abc "))
    for _ in range(levels):
        outer = Dataset()
        outer.ReferencedStudySequence = [inner]
        inner = outer
    stream = BytesIO()
    dcmwrite(stream, inner, implicit_vr=True, little_endian=True)
    body = stream.getvalue().replace(b"\x28\0\x10\0\x04\0\0\0abc ", b"\x28\0\x10\0\x03\0\0\0abc\0")
    source = dcmread(BytesIO(body), force=True)
    assert element_of(source, "ReferencedStudySequence") is None


def test_what_type_2_asks_for_is_there_where_the_source_lacks_it():
    source = source_object()
    del source.PatientSex
    assert written(patient_and_study(source, dicom_identity(dicom_record().source)))["PatientSex"].value == ""


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        ({"ContentDate": "20240102", "ContentTime": "030405.678"}, ("20240102", "030405.678")),
        ({"AcquisitionDate": "20240103", "AcquisitionTime": "nonsense"}, ("20240103", "000000")),
        ({"ContentDate": "2024", "SeriesDate": "20240104"}, ("20240104", "000000")),
        ({"ContentDate": "00000000", "ContentTime": "999999", "SeriesDate": "20240104"}, ("20240104", "000000")),
        ({"ContentDate": "20240102", "ContentTime": "246000"}, ("20240102", "000000")),
        ({"ContentDate": "20230229", "SeriesDate": "20240229"}, ("20240229", "000000")),
        ({"ContentDate": "20240102", "ContentTime": "235960"}, ("20240102", "235960")),
        ({}, ("20240305", "101112")),
        ({"StudyDate": None}, ("19700101", "000000")),
    ],
)
@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_the_moment_of_the_content_is_that_of_the_image(dates: dict[str, str], expected: tuple[str, str]):
    assert content_moment(source_object(**dates), None) == expected


def test_the_moment_of_reviewed_content_is_that_of_the_review_in_utc():
    event = ReviewEvent(at="2026-11-23T01:30:00+02:00", by="reader", action="confirmed")
    assert content_moment(source_object(), event) == ("20261122", "233000")


def test_a_review_without_a_time_leaves_the_images():
    event = ReviewEvent(at="yesterday", by="reader", action="confirmed")
    assert content_moment(source_object(), event) == ("20240305", "101112")


def test_an_image_without_any_date_has_the_documented_day():
    assert content_moment(None, None) == ("19700101", "000000")


def test_a_time_without_a_zone_is_utc():
    moment = utc("2026-11-23T08:00:00")
    assert moment is not None
    assert moment.isoformat() == "2026-11-23T08:00:00+00:00"


@pytest.mark.parametrize("state", ["confirmed", "corrected"])
def test_the_last_reviewer_answers_for_a_reviewed_record(state: str):
    assert verifier_of(dicom_record(review=reviewed(state))) is not None


@pytest.mark.parametrize(
    "review",
    [Review(), Review(state="rejected", history=(EVENT,)), Review(state="confirmed")],
    ids=lambda one: one.state,
)
def test_nobody_answers_for_what_was_not_reviewed_or_was_rejected(review: Review):
    assert verifier_of(dicom_record(review=review)) is None


def test_the_same_result_has_the_same_uids_whatever_its_timings():
    record = dicom_record()
    slow = record.model_copy(update={"timings": Timings(infer_ms=99)})
    identity = dicom_identity(record.source)
    assert result_uids(slow, identity, "report") == result_uids(record, identity, "report")


def test_other_findings_another_review_or_another_kind_are_other_instances():
    record = dicom_record()
    identity = dicom_identity(record.source)
    fewer = record.model_copy(update={"findings": record.findings[:1]})
    confirmed = record.model_copy(update={"review": reviewed("confirmed")})
    made = [result_uids(each, identity, "report") for each in (record, fewer, confirmed)]
    assert len({series for series, _ in made}) == len({sop for _, sop in made}) == 3
    captures = [result_uids(each, identity, "capture") for each in (record, fewer, confirmed)]
    assert (len({series for series, _ in captures}), len({sop for _, sop in captures})) == (1, 3)
    assert not {*result_uids(record, identity, "capture")} & {uid for pair in made for uid in pair}


def test_a_file_has_preamble_and_meta_that_pydicom_reads():
    body = part10("1.2.840.10008.5.1.4.1.1.7", "2.25.1", b"")
    assert body[128:132] == b"DICM"
    meta = parsed(body).file_meta
    assert (meta.MediaStorageSOPInstanceUID, meta.TransferSyntaxUID) == ("2.25.1", pydicom.uid.ExplicitVRLittleEndian)


@pytest.mark.parametrize(
    ("keyword", "value", "kept"),
    [
        ("StudyDate", "20241341", False),
        ("StudyDate", "20240101", True),
        ("PatientBirthDate", "00000000", False),
        ("StudyTime", "999999", False),
        ("StudyTime", "1011", True),
    ],
)
def test_a_date_or_time_that_cannot_be_is_left_empty(keyword: str, value: str, kept: bool):
    source = source_object()
    config.settings.reading_validation_mode = config.settings.writing_validation_mode = config.IGNORE
    setattr(source, keyword, value)
    head = patient_and_study(source, dicom_identity(dicom_record().source))
    assert str(head[keyword].value or "") == (value if kept else "")
