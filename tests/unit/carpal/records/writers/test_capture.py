from __future__ import annotations

import numpy as np
import pytest
from tests.unit.carpal.records.writers.fhir_samples import UIDS, record, source
from tests.unit.carpal.records.writers.report_samples import CR, dicom_record, parsed, png_record, source_object

from carpal.imaging.radiograph import Radiograph
from carpal.records.record import Record
from carpal.records.writers.capture import secondary_capture
from carpal.records.writers.report import MULTI_FRAME_CAPTURE


def radiograph(of: Record) -> Radiograph:
    pixels = np.random.default_rng(0).integers(1, 4000, (1024, 800)).astype(np.uint16)
    return Radiograph(pixels, of.source)


def test_the_capture_is_a_derived_picture_that_points_to_its_source():
    made = dicom_record()
    read = parsed(secondary_capture(made, radiograph(made), source_object()))
    assert (read.SOPClassUID, list(read.ImageType)) == ("1.2.840.10008.5.1.4.1.1.7", ["DERIVED", "SECONDARY"])
    (image,) = read.SourceImageSequence
    assert (image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID) == (CR, UIDS["sop_instance_uid"])
    assert read.StudyInstanceUID == UIDS["study_instance_uid"]
    assert read.SeriesInstanceUID != UIDS["series_instance_uid"]
    assert (read.Laterality, read.InstanceNumber, read.PatientID) == ("R", 3, "4711")


def test_it_says_not_for_diagnosis_in_tags_and_pixels():
    made = dicom_record()
    read = parsed(secondary_capture(made, radiograph(made), source_object()))
    assert read.ImageComments.startswith("NOT FOR DIAGNOSIS")
    banner = read.pixel_array[:40]
    assert tuple(banner[0, 0]) == (160, 0, 0)
    assert (banner == 255).all(axis=2).sum() > 200, "no white writing on the banner"


def test_the_pixels_are_the_picture_in_rgb():
    made = dicom_record()
    read = parsed(secondary_capture(made, radiograph(made), source_object()))
    assert read.pixel_array.shape == (read.Rows, read.Columns, 3)
    assert read.pixel_array.dtype == np.uint8


def test_the_same_input_gives_the_same_bytes_and_the_source_stays():
    made, original = dicom_record(), source_object()
    shown = radiograph(made)
    before = shown.pixels.copy()
    assert secondary_capture(made, shown, original) == secondary_capture(made, shown, source_object())
    assert np.array_equal(shown.pixels, before)
    assert original == source_object()


@pytest.mark.parametrize(("said", "expected"), [("NO", "NO"), ("YES", "YES"), (None, "YES")])
def test_burned_in_is_no_only_where_the_source_says_so(said: str | None, expected: str):
    made = dicom_record()
    source = source_object(**({"BurnedInAnnotation": said} if said else {}))
    assert parsed(secondary_capture(made, radiograph(made), source)).BurnedInAnnotation == expected


def test_the_name_of_the_file_is_not_drawn():
    made = dicom_record()
    other = made.model_copy(update={"source": made.source.model_copy(update={"name": "somebody_else"})})
    assert secondary_capture(made, radiograph(made)) == secondary_capture(other, radiograph(other))


def test_an_image_without_dicom_identity_has_an_empty_patient_and_no_side():
    made = png_record()
    read = parsed(secondary_capture(made, radiograph(made), None))
    assert (read.PatientID, read.InstanceNumber) == ("", 1)
    assert read["Laterality"].value == ""


def test_a_frame_of_several_and_an_emulated_model_are_named():
    model = dicom_record().model.model_copy(update={"emulated": True})
    made = record(source=source(sop_class_uid=MULTI_FRAME_CAPTURE, frame=2, frames=3), model=model)
    read = parsed(secondary_capture(made, radiograph(made), source_object()))
    assert read.SourceImageSequence[0].ReferencedFrameNumber == 2
    assert "EMULATED" in read.ImageComments
