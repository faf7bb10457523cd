from __future__ import annotations

import warnings

import numpy as np
import pytest
from highdicom.sr import ComprehensiveSR, MeasurementReport
from pydicom import Dataset, config
from tests.unit.carpal.records.writers.fhir_samples import BOXES, EVENT, UIDS, finding, record, reviewed, source
from tests.unit.carpal.records.writers.report_samples import CR, dicom_record, parsed, png_record, source_object

from carpal.imaging.radiograph import Radiograph
from carpal.records.identity import dicom_identity
from carpal.records.record import Box, Conclusion, Finding, Record, Review
from carpal.records.writers.capture import secondary_capture
from carpal.records.writers.report import MULTI_FRAME_CAPTURE, reference, structured_report
from carpal.records.writers.report_content import Reference


def content(body: bytes) -> MeasurementReport:
    read = ComprehensiveSR.from_dataset(parsed(body)).content
    assert isinstance(read, MeasurementReport)
    return read


def test_boxes_read_back_by_highdicom_are_equal_in_float32():
    groups = content(structured_report(dicom_record(), source_object())).get_planar_roi_measurement_groups()
    read = [group.roi.value for group in groups]
    for (x0, y0, x1, y1), points in zip(BOXES, read, strict=True):
        expected = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]], np.float32)
        assert np.array_equal(points.astype(np.float32), expected)


def test_probabilities_read_back_exactly():
    record = dicom_record()
    groups = content(structured_report(record, source_object())).get_planar_roi_measurement_groups()
    assert [group.get_measurements()[0].value for group in groups] == [one.probability for one in record.findings]


def test_the_same_input_gives_the_same_bytes():
    assert structured_report(dicom_record(), source_object()) == structured_report(dicom_record(), source_object())


def test_the_pixels_of_the_source_are_not_needed_and_not_changed():
    with_pixels = source_object(Rows=1, Columns=1, BitsAllocated=8, SamplesPerPixel=1)
    with_pixels.add_new("PixelData", "OB", b"\1\2")
    assert structured_report(dicom_record(), with_pixels) == structured_report(dicom_record(), source_object())
    assert with_pixels.PixelData == b"\1\2"


def test_a_tracking_identifier_is_of_ohifs_rectangle_and_names_class_and_rank():
    groups = content(structured_report(dicom_record(), source_object())).get_planar_roi_measurement_groups()
    names = [group.tracking_identifier for group in groups]
    assert names[0] == "Cornerstone3DTools@^0.1.0:RectangleROI:fracture 1"
    assert len({group.tracking_uid for group in groups}) == len(names)


def test_evidence_and_content_point_to_the_image():
    body = structured_report(dicom_record(), source_object())
    (evidence,) = ComprehensiveSR.from_dataset(parsed(body)).get_evidence()
    assert evidence == (UIDS["study_instance_uid"], UIDS["series_instance_uid"], UIDS["sop_instance_uid"], CR)
    group = content(body).get_planar_roi_measurement_groups()[0]
    image = group.roi.ContentSequence[0].ReferencedSOPSequence[0]
    assert (image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID) == (CR, UIDS["sop_instance_uid"])


def container(body: bytes, name: str) -> list[Dataset]:
    """The items of a container of the document; none if it is not there."""
    found = [one for one in parsed(body).ContentSequence if one.ConceptNameCodeSequence[0].CodeMeaning == name]
    return list(found[0].ContentSequence) if found else []


def test_a_report_without_findings_is_a_diagnostic_report_in_words_and_codes():
    body = structured_report(dicom_record(()), source_object())
    document = parsed(body)
    assert document.ConceptNameCodeSequence[0].CodeValue == "18748-4"
    assert container(body, "Imaging Measurements") == []
    assert {item.ConceptCodeSequence[0].CodeValue for item in container(body, "Qualitative Evaluations")} == {"absent"}
    (text,) = container(body, "Findings")
    first, *lines = text.TextValue.splitlines()
    assert (first, lines[0]) == ("No finding was reported.", "Fracture: absent")
    assert len(lines) == len(container(body, "Qualitative Evaluations"))
    assert text.ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == UIDS["sop_instance_uid"]


def test_the_image_level_says_each_class_as_the_record_concludes():
    items = container(structured_report(dicom_record(), source_object()), "Qualitative Evaluations")
    said = [(item.ConceptNameCodeSequence[0].CodeMeaning, item.ConceptCodeSequence[0].CodeValue) for item in items]
    assert said == [
        ("Fracture", "confirmed"),
        ("Periosteal reaction", "confirmed"),
        ("Implant", "confirmed"),
        ("Text or marker in the image", "possible"),
        ("scaphoid nonunion", "possible"),
    ]


@pytest.mark.parametrize("findings", [(), (finding("fracture", BOXES[0], 0.9),)])
def test_a_record_without_conclusions_still_makes_a_report(findings: tuple[Finding, ...]):
    body = structured_report(dicom_record(findings, conclusions=()), source_object())
    assert container(body, "Qualitative Evaluations") == []
    assert len(container(body, "Imaging Measurements")) == len(findings)


def test_every_report_has_a_series_of_its_own_because_ohif_opens_one_of_a_series():
    one, other = dicom_record(), dicom_record(())
    reports = [parsed(structured_report(record, source_object())) for record in (one, other, one)]
    series = [report.SeriesInstanceUID for report in reports]
    assert series[0] == series[2] != series[1]
    assert len({report.StudyInstanceUID for report in reports}) == 1


def test_the_threshold_of_a_class_is_a_parameter_of_its_findings():
    said = (Conclusion(label="fracture", status="confirmed", probability=0.9, threshold=0.25),)
    found = (finding("fracture", BOXES[0], 0.9),)
    body = structured_report(dicom_record(found, conclusions=said), source_object())
    assert b"reported from probability 0.25 on" in body


@pytest.mark.parametrize("review", [Review(), Review(state="rejected", history=(EVENT,))], ids=lambda one: one.state)
def test_what_nobody_answers_for_is_partial_preliminary_and_unverified(review: Review):
    read = parsed(structured_report(dicom_record(review=review), source_object()))
    assert (read.CompletionFlag, read.PreliminaryFlag, read.VerificationFlag) == (
        "PARTIAL",
        "PRELIMINARY",
        "UNVERIFIED",
    )
    assert "VerifyingObserverSequence" not in read


def test_a_confirmed_report_is_complete_final_and_verified_by_the_reviewers_pseudonym():
    read = parsed(structured_report(dicom_record(review=reviewed("confirmed")), source_object()))
    assert (read.CompletionFlag, read.PreliminaryFlag, read.VerificationFlag) == ("COMPLETE", "FINAL", "VERIFIED")
    (observer,) = read.VerifyingObserverSequence
    assert str(observer.VerifyingObserverName).startswith("reader-7")
    assert observer.VerificationDateTime == "20261123080000+0000"
    assert b"Mueller" not in structured_report(dicom_record(review=reviewed("confirmed")), source_object())


def test_a_reviewer_without_name_or_time_is_written_as_the_standard_allows():
    event = EVENT.model_copy(update={"by": "\\^=", "at": "then"})
    read = parsed(structured_report(dicom_record(review=Review(state="confirmed", history=(event,))), source_object()))
    (observer,) = read.VerifyingObserverSequence
    assert str(observer.VerifyingObserverName) == "not stated^"
    assert observer.VerificationDateTime == "20240305101112"


def test_an_image_without_dicom_identity_has_a_synthetic_one_as_a_secondary_capture():
    record = png_record()
    body = structured_report(record, None)
    identity = dicom_identity(record.source)
    (evidence,) = ComprehensiveSR.from_dataset(parsed(body)).get_evidence()
    assert evidence == (identity.study_uid, identity.series_uid, identity.sop_uid, "1.2.840.10008.5.1.4.1.1.7")
    assert parsed(body).PatientID == ""
    assert parsed(body).InstanceNumber == 1


def test_a_frame_of_several_is_named_in_every_reference():
    many = record(source=source(sop_class_uid=MULTI_FRAME_CAPTURE, frame=2, frames=3))
    group = content(structured_report(many, source_object())).get_planar_roi_measurement_groups()[0]
    assert group.roi.ContentSequence[0].ReferencedSOPSequence[0].ReferencedFrameNumber == 2


def test_a_class_without_frames_has_none_named():
    many = record(source=source(sop_class_uid=CR, frame=2, frames=3))
    assert reference(many, dicom_identity(many.source)) == Reference(CR, UIDS["sop_instance_uid"], None)


def test_two_pages_of_one_file_have_reports_of_their_own():
    pages = [png_record(source=source(frame=page, frames=2, **dict.fromkeys(UIDS))) for page in (1, 2)]
    first, second = (parsed(structured_report(page, None)) for page in pages)
    assert first.StudyInstanceUID == second.StudyInstanceUID
    assert first.SOPInstanceUID != second.SOPInstanceUID
    assert reference(pages[1], dicom_identity(pages[1].source)).sop_class_uid == MULTI_FRAME_CAPTURE


def test_classes_of_any_script_are_written():
    record: Record = dicom_record((finding("骨折 ß", BOXES[0], 0.9),), conclusions=())
    group = content(structured_report(record, source_object())).get_planar_roi_measurement_groups()[0]
    assert group.finding_type.meaning == "骨折 ß"
    assert group.tracking_identifier.endswith("骨折 ß 1")


def test_boxes_at_the_far_edge_of_a_large_image_are_within_a_thousandth_of_a_pixel():
    far = finding("fracture", (0, 0, 1, 1), 0.9).model_copy(
        update={"box": Box(x0=4000.123, y0=4001.456, x1=4095.999, y1=4096.0)}
    )
    group = content(structured_report(dicom_record((far,)), source_object())).get_planar_roi_measurement_groups()[0]
    assert np.abs(group.roi.value[2] - [4095.999, 4096.0]).max() < 1e-3


@pytest.mark.parametrize("write", ["report", "capture"])
def test_values_against_the_rules_are_copied_without_being_quoted(write: str, caplog: pytest.LogCaptureFixture):
    """Pydicom's warnings quote what they are about: here an accession number, a UID and a code."""
    source = source_object()
    config.settings.reading_validation_mode = config.settings.writing_validation_mode = config.IGNORE
    source.AccessionNumber, source.PatientAge, source.StudyDate = "secret" * 10, "secret", "20241341"
    config.settings.writing_validation_mode = config.WARN
    changed = dicom_record().source.model_copy(update={"study_instance_uid": "1.2.03.004.5"})
    record = dicom_record().model_copy(update={"source": changed})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if write == "report":
            structured_report(record, source)
        else:
            pixels = np.zeros((record.source.height_px, record.source.width_px), np.uint8)
            secondary_capture(record, Radiograph(pixels, record.source), source)
    assert "secret" not in caplog.text
