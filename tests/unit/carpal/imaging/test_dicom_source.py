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


SPACING = "(0028,0030) PixelSpacing: "


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("0,143\\0,143", "not a number"),
        ("1e308\\1e308", "out of range"),
        ("1e-300\\1e-300", "out of range"),
        ("0\\0", "out of range"),
        ("-0.1\\0.1", "out of range"),
        ("1e999\\0.1", "not a number"),
        ("0.1", "1 values, not 2"),
        ("0.1\\0.1\\0.1", "3 values, not 2"),
    ],
)
def test_a_spacing_that_cannot_be_is_passed_over_and_noted(dicom_file: Maker, value: str, reason: str):
    body = dicom_file(PixelSpacing=[0.125, 0.125], ImagerPixelSpacing=[0.3, 0.3])
    source = read(with_text(body, b"0.125\\0.125", value)).source
    assert source.irregularities == (SPACING + reason,)
    assert source.pixel_spacing is not None
    assert source.pixel_spacing.tag == "ImagerPixelSpacing"


def with_text(body: bytes, old: bytes, new: str) -> bytes:
    """A file with another text in a value of explicit VR and short length."""
    place = body.index(old)
    assert int.from_bytes(body[place - 2 : place], "little") in (len(old), len(old) + 1)
    length = len(old) + len(old) % 2
    padded = new.encode() + b" " * (len(new) % 2)
    return body[: place - 2] + len(padded).to_bytes(2, "little") + padded + body[place + length :]


@pytest.mark.parametrize("factor", ["1e-300", "1e300"])
def test_a_magnification_that_cannot_be_is_noted(dicom_file: Maker, factor: str):
    body = dicom_file(ImagerPixelSpacing=[0.3, 0.3], **{FACTOR: "1.25"})
    source = read(with_text(body, b"1.25", factor)).source
    assert source.irregularities == (f"(0018,1114) {FACTOR}: out of range",)
    assert source.pixel_spacing.tag == "ImagerPixelSpacing"


def test_of_two_views_the_first_counts_and_two_patient_numbers_stay_one(dicom_file: Maker):
    source = read(dicom_file(ViewPosition=["AP", "LL"], Laterality=["L", "R"])).source
    assert (source.projection, source.laterality) == ("AP", "L")
    assert [line.split(":")[0] for line in source.irregularities] == [
        "(0020,0060) Laterality",
        "(0018,5101) ViewPosition",
    ]
    keys = [
        read(dicom_file(PatientID=number), patient_salt=b"salt").source.patient_key for number in ("7\\1", "7\\2", "7")
    ]
    assert len(set(keys)) == 3


def test_an_ordinary_object_has_no_irregularity(dicom_file: Maker):
    assert read(dicom_file(ViewPosition="AP", WindowCenter=900, WindowWidth=1700)).source.irregularities == ()
