import io

import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian

from carpal.imaging.readers import read
from carpal.phantoms import draw
from carpal.phantoms.dicom import dicom_bytes, uid

IMAGES = [draw(0, index, size_px=160) for index in (0, 1)]

# Type 1 attributes of the DX image, detector, series and SOP common modules (DICOM PS3.3, A.26 and C.8.11).
NEVER_EMPTY = (
    "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Modality", "PresentationIntentType",
    "ImageType", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored", "HighBit",
    "PixelRepresentation", "PixelIntensityRelationship", "PixelIntensityRelationshipSign", "RescaleIntercept",
    "RescaleSlope", "RescaleType", "PresentationLUTShape", "LossyImageCompression", "BurnedInAnnotation",
    "PatientOrientation", "ImagerPixelSpacing", "ImageLaterality", "WindowCenter", "WindowWidth", "Rows", "Columns",
    "InstanceNumber",
)  # fmt: skip
# Type 2: present, at times empty.
PRESENT = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "ReferringPhysicianName",
    "StudyID", "AccessionNumber", "SeriesNumber", "Manufacturer", "DetectorType", "AcquisitionContextSequence",
    "AnatomicRegionSequence",
)  # fmt: skip


@pytest.fixture
def opened() -> list[pydicom.Dataset]:
    return [pydicom.dcmread(io.BytesIO(dicom_bytes(image, 0))) for image in IMAGES]


def test_a_phantom_is_a_dx_image_for_presentation_with_12_bits(opened):
    ds = opened[0]
    assert ds.SOPClassUID == ds.file_meta.MediaStorageSOPClassUID
    assert ds.SOPClassUID.name == "Digital X-Ray Image Storage - For Presentation"
    assert ds.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert (ds.Modality, ds.PresentationIntentType, ds.BitsStored, ds.HighBit) == ("DX", "FOR PRESENTATION", 12, 11)


def test_required_attributes_are_there(opened):
    for ds in opened:
        assert [name for name in NEVER_EMPTY if name not in ds or ds[name].VM == 0] == []
        assert [name for name in PRESENT if name not in ds] == []


def test_every_value_keeps_the_rules_of_its_representation():
    before = pydicom.config.settings.reading_validation_mode
    pydicom.config.settings.reading_validation_mode = pydicom.config.RAISE
    try:
        for image in IMAGES:
            assert len(list(pydicom.dcmread(io.BytesIO(dicom_bytes(image, 0))).iterall())) > 40
    finally:
        pydicom.config.settings.reading_validation_mode = before


def test_pixels_are_those_of_the_png_in_12_bits(opened):
    for ds, image in zip(opened, IMAGES, strict=True):
        assert np.array_equal(ds.pixel_array, image.pixels >> 4)


def test_both_views_are_one_study_and_two_series(opened):
    front, side = opened
    assert front.StudyInstanceUID == side.StudyInstanceUID
    assert front.SeriesInstanceUID != side.SeriesInstanceUID
    assert front.SOPInstanceUID != side.SOPInstanceUID
    assert (front.ViewPosition, front.PatientID) == ("AP", side.PatientID)
    assert side.ViewPosition == f"{side.ImageLaterality}L"


def test_our_own_reader_takes_a_phantom_and_finds_its_scale():
    image = IMAGES[0]
    radiograph = read(dicom_bytes(image, 0))
    assert radiograph.pixels.shape == image.pixels.shape
    spacing = radiograph.source.pixel_spacing
    assert spacing is not None
    assert (spacing.row_mm, spacing.tag) == (pytest.approx(image.meta.pixel_spacing_mm), "ImagerPixelSpacing")


def test_uids_come_from_the_seed():
    assert dicom_bytes(IMAGES[0], 0) == dicom_bytes(IMAGES[0], 0)
    assert dicom_bytes(IMAGES[0], 0) != dicom_bytes(IMAGES[0], 1)
    assert uid("a").is_valid
    assert len(uid("a")) <= 64
