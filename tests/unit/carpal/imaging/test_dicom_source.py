"""What of an object's own words the record keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.carpal.imaging.samples import sample

from carpal.imaging.readers import read

Maker = Callable[..., bytes]
FACTOR = "EstimatedRadiographicMagnificationFactor"


def test_the_record_says_how_the_object_was_stored(dicom_file: Maker):
    source = read(dicom_file(PatientOrientation=["L", "F"], PhotometricInterpretation="MONOCHROME1")).source
    assert (source.modality, source.sop_class_uid) == ("CR", "1.2.840.10008.5.1.4.1.1.1")
    assert (source.transfer_syntax, source.photometric) == ("1.2.840.10008.1.2.1", "MONOCHROME1")
    assert (source.patient_orientation, source.frame, source.frames) == ("L\\F", None, None)


@pytest.mark.parametrize(("value", "said"), [("", None), ("L", "L")])
def test_an_orientation_of_one_part_or_none(dicom_file: Maker, value: str, said: str | None):
    assert read(dicom_file(PatientOrientation=value)).source.patient_orientation == said


@pytest.mark.parametrize(
    ("tags", "tag", "row_mm", "calibration"),
    [
        ({"PixelSpacing": [0.2, 0.1], "PixelSpacingCalibrationType": "GEOMETRY"}, "PixelSpacing", 0.2, "GEOMETRY"),
        ({"PixelSpacing": [0.2, 0.1], "PixelSpacingCalibrationType": "odd"}, "PixelSpacing", 0.2, None),
        (
            {"PixelSpacing": [0.3, 0.3], "ImagerPixelSpacing": [0.3, 0.3], FACTOR: 1.5},
            f"ImagerPixelSpacing/{FACTOR}",
            0.2,
            None,
        ),
        (
            {
                "PixelSpacing": [0.3, 0.3],
                "ImagerPixelSpacing": [0.3, 0.3],
                FACTOR: 1.5,
                "PixelSpacingCalibrationType": "FIDUCIAL",
            },
            "PixelSpacing",
            0.3,
            "FIDUCIAL",
        ),
        ({"NominalScannedPixelSpacing": [0.17, 0.17]}, "NominalScannedPixelSpacing", 0.17, None),
    ],
)
def test_a_calibrated_spacing_wins_over_that_of_the_detector(
    dicom_file: Maker, tags: dict[str, Any], tag: str, row_mm: float, calibration: str | None
):
    spacing = read(dicom_file(**tags)).source.pixel_spacing
    assert spacing is not None
    assert (spacing.tag, spacing.row_mm, spacing.calibration) == (tag, pytest.approx(row_mm), calibration)


def test_a_real_spacing_of_zero_is_none():
    assert read(sample("RG1_UNCI.dcm")).source.pixel_spacing is None
