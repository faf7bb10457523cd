"""DICOM: which objects are taken, what their pixels become, and what the record may say of the patient."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.pixels import apply_voi_lut
from pydicom.uid import ImplicitVRLittleEndian
from tests.unit.carpal.imaging.samples import sample

from carpal.imaging.errors import (
    DamagedImageError,
    ForProcessingError,
    NotARadiographError,
    TooLargeError,
    TruncatedImageError,
    UnsupportedImageError,
)
from carpal.imaging.limits import Limits
from carpal.imaging.options import ReadOptions
from carpal.imaging.readers import read

Maker = Callable[..., bytes]
SALT = b"sixteen bytes or more"
ANY = ReadOptions(accept_any_modality=True)


def levels(values: list[float], top: float) -> list[int]:
    return [round(value / top * 65535) for value in values]


def test_stored_values_are_spread_by_the_bits_that_are_stored(dicom_file: Maker):
    pixels = np.array([[0, 1, 4095]], np.uint16)
    radiograph = read(dicom_file(pixels))
    assert radiograph.pixels.dtype == np.uint16
    assert radiograph.pixels.tolist() == [levels([0, 1, 4095], 4095)]
    assert (radiograph.source.bits, radiograph.source.voi) == (12, "none")


def test_implicit_little_endian_gives_the_same_pixels(dicom_file: Maker):
    assert (read(dicom_file(syntax=ImplicitVRLittleEndian)).pixels == read(dicom_file()).pixels).all()


def test_eight_bit_pixels_are_read(dicom_file: Maker):
    assert read(dicom_file(np.array([[0, 51, 255]], np.uint8), bits=8)).pixels.tolist() == [levels([0, 51, 255], 255)]


def test_signed_values_start_at_the_lowest(dicom_file: Maker):
    pixels = np.array([[-2048, -1, 0, 2047]], np.int16)
    assert read(dicom_file(pixels)).pixels.tolist() == [levels([0, 2047, 2048, 4095], 4095)]


def test_bits_outside_those_stored_are_ignored(dicom_file: Maker):
    pixels = np.array([[5, 77]], np.uint16)
    assert (read(dicom_file(pixels | 0xF000)).pixels == read(dicom_file(pixels)).pixels).all()


def test_stored_bits_that_end_at_the_top_are_moved_down(dicom_file: Maker):
    pixels = np.array([[5, 77, 4095]], np.uint16)
    assert (read(dicom_file(pixels << 4, HighBit=15)).pixels == read(dicom_file(pixels)).pixels).all()


def test_monochrome1_is_inverted_once(dicom_file: Maker):
    plain, inverted = read(dicom_file()), read(dicom_file(PhotometricInterpretation="MONOCHROME1"))
    assert (plain.pixels.astype(int) + inverted.pixels == 65535).all()


def test_an_inverse_presentation_lut_does_not_invert_a_second_time(dicom_file: Maker):
    once = read(dicom_file(PhotometricInterpretation="MONOCHROME1"))
    both = read(dicom_file(PhotometricInterpretation="MONOCHROME1", PresentationLUTShape="INVERSE"))
    assert (once.pixels == both.pixels).all()


def test_monochrome1_is_inverted_after_the_window_and_not_before(dicom_file: Maker):
    pixels = np.array([[0, 900, 1000, 1100, 4095]], np.uint16)
    body = dicom_file(
        pixels,
        PhotometricInterpretation="MONOCHROME1",
        WindowCenter=1000,
        WindowWidth=200,
        VOILUTFunction="LINEAR_EXACT",
    )
    assert read(body).pixels.tolist() == [levels([1, 1, 0.5, 0, 0], 1)]


def test_padding_is_black_also_where_the_image_is_inverted(dicom_file: Maker):
    pixels = np.array([[0, 10, 20, 4095]], np.uint16)
    body = dicom_file(pixels, PhotometricInterpretation="MONOCHROME1", PixelPaddingValue=0, PixelPaddingRangeLimit=10)
    assert read(body).pixels.tolist()[0][:2] == [0, 0]
    assert read(body).pixels[0, 2] > 65000


def test_a_rescale_with_a_negative_slope_turns_the_image(dicom_file: Maker):
    plain, turned = read(dicom_file()), read(dicom_file(RescaleSlope=-2, RescaleIntercept=100))
    assert (plain.pixels.astype(int) + turned.pixels == 65535).all()


def test_rgb_secondary_capture_becomes_luma_in_both_layouts(dicom_file: Maker):
    rgb = np.zeros((1, 4, 3), np.uint8)
    rgb[0, 0, 0] = rgb[0, 1, 1] = rgb[0, 2, 2] = 255
    kind = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7", "Modality": "OT", "PhotometricInterpretation": "RGB"}
    layout: dict[str, Any] = {"SamplesPerPixel": 3, "Rows": 1, "Columns": 4, "bits": 8}
    by_pixel = dicom_file(rgb[0], **kind, **layout, PlanarConfiguration=0)
    by_plane = dicom_file(np.ascontiguousarray(rgb[0].T), **kind, **layout, PlanarConfiguration=1)
    assert read(by_pixel).pixels.tolist() == read(by_plane).pixels.tolist() == [[76, 150, 29, 0]]


@pytest.mark.parametrize(
    ("tags", "spacing"),
    [
        ({"PixelSpacing": [0.2, 0.1], "ImagerPixelSpacing": [0.3, 0.3]}, (0.2, 0.1, "PixelSpacing")),
        ({"PixelSpacing": [0, 0], "ImagerPixelSpacing": [0.3, 0.2]}, (0.3, 0.2, "ImagerPixelSpacing")),
        (
            {"ImagerPixelSpacing": [0.3, 0.2], "EstimatedRadiographicMagnificationFactor": 2},
            (0.15, 0.1, "ImagerPixelSpacing/EstimatedRadiographicMagnificationFactor"),
        ),
        ({"PixelSpacing": [-1, 0.1]}, None),
        ({"PixelSpacing": None}, None),
        ({}, None),
    ],
)
def test_spacing_names_the_tag_that_gave_it(
    dicom_file: Maker, tags: dict[str, Any], spacing: tuple[float, float, str] | None
):
    found = read(dicom_file(**tags)).source.pixel_spacing
    assert (found and (found.row_mm, found.column_mm, found.tag)) == spacing


def test_a_spacing_of_one_number_is_none(dicom_file: Maker):
    assert read(dicom_file(PixelSpacing=0.1)).source.pixel_spacing is None


@pytest.mark.parametrize(
    ("tags", "side"),
    [
        ({"ImageLaterality": "L"}, "L"),
        ({"Laterality": "R"}, "R"),
        ({"ImageLaterality": "U", "Laterality": "R"}, "R"),
        ({"ImageLaterality": "B"}, None),
        ({}, None),
    ],
)
def test_the_side_is_left_right_or_unknown(dicom_file: Maker, tags: dict[str, str], side: str | None):
    assert read(dicom_file(**tags)).source.laterality == side


@pytest.mark.parametrize(("view", "projection"), [("PA", "PA"), ("LL", "LATERAL"), ("RLO", "OBLIQUE"), ("", None)])
def test_the_view_is_said_in_one_word(dicom_file: Maker, view: str, projection: str | None):
    assert read(dicom_file(ViewPosition=view)).source.projection == projection


def test_uids_are_kept_and_the_patient_is_not(dicom_file: Maker):
    source = read(dicom_file(), name="wrist").source
    assert (source.sop_instance_uid, source.series_instance_uid, source.study_instance_uid) == (
        "1.2.3.4",
        "1.2.3",
        "1.2",
    )
    assert source.patient_key is None
    assert "4711" not in source.to_json().decode()
    assert "Doe" not in source.to_json().decode()


def test_a_salt_gives_a_stable_key_that_depends_on_number_issuer_and_salt(dicom_file: Maker):
    def key(salt: bytes = SALT, **tags: str) -> str | None:
        return read(dicom_file(**tags), patient_salt=salt).source.patient_key

    assert key() == key()
    assert len({key(), key(PatientID="4712"), key(IssuerOfPatientID="clinic"), key(b"another salt altogether")}) == 4
    assert key(PatientID="") is None
    assert len(key() or "") == 16


def test_broken_values_are_passed_over_without_being_quoted(dicom_file: Maker, caplog: pytest.LogCaptureFixture):
    body = dicom_file(PatientID="secret-number", WindowCenter="31415", WindowWidth="900")
    broken = body.replace(b"31415", b"secre")
    assert broken != body
    with warnings.catch_warnings(), caplog.at_level(logging.DEBUG):
        warnings.simplefilter("error")
        source = read(broken).source
    assert source.irregularities == ("(0028,1050) WindowCenter: not a number",)
    assert "secr" not in source.to_json().decode() + caplog.text


def test_raw_detector_data_is_refused(dicom_file: Maker):
    for tags in ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.1.1"}, {"PresentationIntentType": "FOR PROCESSING"}):
        with pytest.raises(ForProcessingError, match="FOR PROCESSING"):
            read(dicom_file(**{"Modality": "DX", **tags}))


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small.dcm", "rtplan.dcm"])
def test_objects_of_another_kind_are_refused(name: str):
    with pytest.raises(NotARadiographError):
        read(sample(name))


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small.dcm"])
def test_objects_of_another_kind_are_read_when_asked_for(name: str):
    assert read(sample(name), options=ANY).source.modality == name[:2]


def test_raw_detector_data_is_read_when_asked_for(dicom_file: Maker):
    body = dicom_file(SOPClassUID="1.2.840.10008.5.1.4.1.1.1.1.1", Modality="DX")
    assert (read(body, options=ReadOptions(accept_processing=True)).pixels == read(dicom_file()).pixels).all()


def test_asking_for_raw_data_lets_no_other_kind_in():
    with pytest.raises(NotARadiographError):
        read(sample("CT_small.dcm"), options=ReadOptions(accept_processing=True))


def test_a_secondary_capture_of_a_ct_is_refused(dicom_file: Maker):
    with pytest.raises(NotARadiographError, match="modality CT"):
        read(dicom_file(SOPClassUID="1.2.840.10008.5.1.4.1.1.7", Modality="CT"))


def test_lossy_jpeg_of_twelve_bits_is_read():
    made = read(sample("JPGExtended.dcm"), options=ANY)
    assert (made.source.bits, made.pixels.shape) == (12, (1024, 256))
    lossless = read(sample("JPEG-LL.dcm"), options=ANY)  # of the same exposure
    assert np.corrcoef(made.pixels.ravel(), lossless.pixels.ravel())[0, 1] > 0.98


def test_lossy_jpeg_whose_scan_header_says_no_spectrum_is_read():
    """Some devices write zeros as the limits of the spectrum; the standard allows one value there (ITU-T T.81, B.3)."""
    made = read(sample("JPEG-lossy.dcm"), options=ANY)
    lossless = read(sample("JPEG-LL.dcm"), options=ANY)  # of the same exposure
    assert np.corrcoef(made.pixels.ravel(), lossless.pixels.ravel())[0, 1] > 0.98


def test_sequences_where_a_text_belongs_cost_nothing_to_refuse(dicom_file: Maker):
    """Pydicom doubles its message with each level, which fuzzing found; fourteen levels are some megabytes."""
    value = b"\x28\0\x10\0US\x03\0abc"  # three bytes where two make a number
    for _ in range(14):
        item = b"\xfe\xff\0\xe0" + len(value).to_bytes(4, "little") + value
        value = b"\x08\0\x60\0SQ\0\0" + len(item).to_bytes(4, "little") + item
    body = dicom_file(drop=("Modality",))
    place = body.index(b"\x10\0\x10\0PN")
    body = body[:place] + value + body[place:]
    with pytest.raises(DamagedImageError) as caught:
        read(body)
    assert len(repr(caught.value.__cause__)) < 1000


def test_a_sequence_in_the_meta_header_is_refused_before_pydicom_prints_it(dicom_file: Maker):
    body = dicom_file()
    place = body.index(b"\x02\0\0\0UL")
    with pytest.raises(DamagedImageError, match="holds a sequence"):
        read(body[:place] + b"\x02\0\0\0SQ\0\0\0\0\0\0" + body[place + 12 :])


def test_a_transfer_syntax_that_nobody_decodes_is_refused(dicom_file: Maker):
    with pytest.raises(UnsupportedImageError, match="transfer syntax") as caught:
        read(dicom_file().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.7\0"))
    assert "gdcmconv" in caught.value.remedy


@pytest.mark.parametrize(
    "tags",
    [
        {"PhotometricInterpretation": "HSV"},
        {"PhotometricInterpretation": ""},
        {"BitsAllocated": 32},
        {"SamplesPerPixel": 3},
        {"PhotometricInterpretation": "RGB"},
    ],
)
def test_other_pixel_layouts_are_refused(dicom_file: Maker, tags: dict[str, Any]):
    with pytest.raises(UnsupportedImageError, match="bits allocated"):
        read(dicom_file(**tags))


def test_more_bits_stored_than_allocated_are_refused(dicom_file: Maker):
    with pytest.raises(DamagedImageError, match="BitsStored is 17"):
        read(dicom_file(BitsStored=17))


def test_a_dicom_bomb_is_refused_by_its_header(dicom_file: Maker):
    with pytest.raises(TooLargeError):
        read(dicom_file(), limits=Limits(max_pixels=47))


def test_a_file_that_ends_within_its_pixels_is_truncated(dicom_file: Maker):
    body = dicom_file()
    with pytest.raises(TruncatedImageError):
        read(body[:-10])
    with pytest.raises(TruncatedImageError, match="0 bytes of pixel data"):
        read(dicom_file(drop=("PixelData",)))


@pytest.mark.parametrize("name", ["RG1_UNCI.dcm", "RG3_UNCI.dcm"])
def test_real_radiographs_equal_what_pydicom_makes_of_them(name: str):
    path = sample(name)
    ds = pydicom.dcmread(path)
    expected = apply_voi_lut(ds.pixel_array, ds, index=0, prefer_lut=True) / (2**ds.BitsStored - 1)
    radiograph = read(path)
    assert ds.PhotometricInterpretation == "MONOCHROME1"
    assert np.abs(radiograph.pixels / 65535 - (1 - expected)).max() < 1e-5
    assert radiograph.source.pixel_spacing is None


def test_bone_is_bright_on_a_dark_ground_in_the_real_leg():
    pixels = read(sample("RG3_UNCI.dcm")).pixels
    shaft, air = pixels[500:700, 860:920], pixels[500:700, 560:620]
    assert shaft.mean() > 1.5 * air.mean()


def test_a_voi_table_is_preferred_and_applied_as_pydicom_does():
    path = sample("vlut_04.dcm")
    ds = pydicom.dcmread(path)
    expected = apply_voi_lut(ds.pixel_array, ds, index=0, prefer_lut=True)
    radiograph = read(path)
    assert radiograph.source.voi == "LUT"
    assert (radiograph.pixels == expected).all()  # its entries have 16 bits


def test_a_modality_table_is_applied_as_pydicom_does():
    path = sample("mlut_18.dcm")
    ds = pydicom.dcmread(path)
    expected = pydicom.pixels.apply_modality_lut(ds.pixel_array, ds)
    top = 2 ** ds.ModalityLUTSequence[0].LUTDescriptor[2] - 1
    assert np.abs(read(path).pixels / 65535 - expected / top).max() < 1e-5
