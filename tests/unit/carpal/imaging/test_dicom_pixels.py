"""Every transfer syntax gives the pixels that were stored, one frame at a time, and never more than was announced."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.pixels import apply_modality_lut, apply_voi_lut, pixel_array
from pydicom.uid import (
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)
from tests.unit.carpal.imaging.samples import jpeg, sample, scan

from carpal.imaging.errors import (
    DamagedImageError,
    NoSuchFrameError,
    TooLargeError,
    TruncatedImageError,
    UnsupportedImageError,
)
from carpal.imaging.jpeg_decoder import decode_grey
from carpal.imaging.limits import Limits
from carpal.imaging.options import ReadOptions
from carpal.imaging.readers import read

Maker = Callable[..., bytes]
ANY = ReadOptions(accept_any_modality=True)
HTJ2K = Path(__file__).parents[3] / "data/imaging/htj2k_lossless.dcm"


def compressed(body: bytes, syntax: str) -> bytes:
    ds = pydicom.dcmread(BytesIO(body))
    ds.compress(syntax, generate_instance_uid=False)
    stream = BytesIO()
    ds.save_as(stream)
    return stream.getvalue()


def with_stream(body: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """A compressed file with another stream in it."""
    ds = pydicom.dcmread(BytesIO(body))
    ds.PixelData = encapsulate([change(pydicom.encaps.get_frame(ds.PixelData, 0, number_of_frames=1))])
    stream = BytesIO()
    ds.save_as(stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("syntax", "signed"),
    [
        (RLELossless, False),
        (RLELossless, True),
        (JPEGLSLossless, False),
        (JPEG2000Lossless, False),
        (JPEG2000Lossless, True),
    ],
)
def test_lossless_syntaxes_give_the_pixels_of_the_uncompressed_file(dicom_file: Maker, syntax: str, signed: bool):
    pixels = np.random.default_rng(0).integers(0, 4096, (70, 80)) - (2048 if signed else 0)
    plain = dicom_file(pixels.astype(np.int16 if signed else np.uint16), WindowCenter=900, WindowWidth=1700)
    radiograph = read(compressed(plain, syntax))
    assert (radiograph.pixels == read(plain).pixels).all()
    assert radiograph.source.transfer_syntax == syntax


def test_high_throughput_jpeg_2000_is_read():
    radiograph = read(HTJ2K)
    rows, columns = np.mgrid[0:40, 0:48]
    assert (radiograph.pixels == np.rint((columns * 67 + rows * 31) % 4096 / 4095 * 65535)).all()


@pytest.mark.parametrize(
    "name",
    [
        "JPEG-LL.dcm", "JPGLosslessP14SV1_1s_1f_8b.dcm", "JPEG2000.dcm", "RG3_J2KI.dcm", "RG3_J2KR.dcm",
        "MR_small_jpeg_ls_lossless.dcm", "JPEGLSNearLossless_16.dcm", "MR_small_RLE.dcm", "MR_small_bigendian.dcm",
        "MR_small_implicit.dcm", "MR_small_padded.dcm", "image_dfl.dcm", "emri_small.dcm", "bad_sequence.dcm",
        "explicit_VR-UN.dcm", "693_J2KR.dcm", "examples_overlay.dcm", "CT_small.dcm",
    ],
)  # fmt: skip
def test_real_grey_files_equal_what_pydicom_makes_of_them(name: str):
    path = sample(name)
    ds = pydicom.dcmread(path)
    stored = ds.pixel_array[0] if ds.get("NumberOfFrames", 1) > 1 else ds.pixel_array
    radiograph = read(path, options=ANY)
    values = apply_modality_lut(stored, ds).astype(float)
    if "WindowCenter" in ds:
        out = apply_voi_lut(values, ds).astype(float)
        ends = apply_voi_lut(np.array([-1e9, 1e9]), ds)
    else:
        out = values
        low = -(2 ** (ds.BitsStored - 1)) if ds.PixelRepresentation else 0
        ends = apply_modality_lut(np.array([low, low + 2**ds.BitsStored - 1]), ds)
    expected = (out - ends[0]) / (ends[1] - ends[0])
    if ds.PhotometricInterpretation == "MONOCHROME1":
        expected = 1 - expected
    shown = ~(stored == ds.PixelPaddingValue) if "PixelPaddingValue" in ds else np.ones(stored.shape, bool)
    assert shown.mean() > 0.5 or name == "CT_small.dcm"
    assert np.abs(radiograph.pixels / 65535 - np.clip(expected, 0, 1))[shown].max() < 2e-5


@pytest.mark.parametrize(
    "name",
    [
        "SC_rgb_jpeg_dcmtk.dcm", "SC_rgb_dcmtk_+eb+cr.dcm", "SC_rgb_jpeg_gdcm.dcm", "SC_rgb_rle.dcm",
        "SC_rgb_small_odd_big_endian.dcm", "SC_ybr_full_422_uncompressed.dcm", "examples_jpeg2k.dcm",
        "SC_rgb_jls_lossy_line.dcm", "US1_J2KI.dcm", "SC_rgb_rle_16bit.dcm",
    ],
)  # fmt: skip
def test_colour_becomes_the_luma_of_pydicoms_rgb(name: str):
    """Within two levels: pydicom rounds the three colours, the luma of YBR is taken as it is stored."""
    path = sample(name)
    rgb = pixel_array(path, index=0).astype(float)
    top = np.iinfo(pydicom.dcmread(path).pixel_array.dtype).max
    luma = rgb @ np.array([0.299, 0.587, 0.114])
    assert np.abs(read(path, options=ANY).pixels - luma).max() <= max(2, top * 1e-4)


def test_a_palette_is_looked_up():
    path = sample("examples_palette.dcm")
    ds = pydicom.dcmread(path)
    rgb = pydicom.pixels.apply_color_lut(ds.pixel_array, ds).astype(float)
    assert np.abs(read(path, options=ANY).pixels - rgb @ np.array([0.299, 0.587, 0.114])).max() <= 1


def test_the_first_frame_is_read_and_the_record_says_so():
    radiograph = read(sample("SC_rgb_rle_2frame.dcm"))
    assert (radiograph.source.frame, radiograph.source.frames) == (1, 2)


@pytest.mark.parametrize("name", ["emri_small.dcm", "emri_small_RLE.dcm", "emri_small_jpeg_2k_lossless.dcm"])
def test_another_frame_is_read_when_asked_for(name: str):
    path = sample(name)
    radiograph = read(path, options=ReadOptions(frame=3, accept_any_modality=True))
    stored = pixel_array(path, index=2)
    assert np.abs(radiograph.pixels / 65535 * (2**radiograph.source.bits - 1) - stored).max() < 1
    assert (radiograph.source.frame, radiograph.source.frames) == (3, 10)


def test_a_multi_frame_secondary_capture_is_a_radiograph(dicom_file: Maker):
    pixels = np.arange(48, dtype=np.uint8).reshape(6, 8)
    kind = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7.2", "Modality": "OT"}
    body = dicom_file(pixels, bits=8, **kind, Rows=3, NumberOfFrames=2)
    radiograph = read(body, options=ReadOptions(frame=2))
    assert (radiograph.pixels == np.rint(pixels[3:] / 255 * 65535)).all()


def test_a_frame_that_is_not_there_is_refused(dicom_file: Maker):
    with pytest.raises(NoSuchFrameError, match="It has 1"):
        read(dicom_file(), options=ReadOptions(frame=2))


def test_more_frames_than_the_limit_are_refused(dicom_file: Maker):
    with pytest.raises(TooLargeError, match="2000000 frames"):
        read(dicom_file(NumberOfFrames=2_000_000))


def test_padded_pixel_data_is_read_and_truncated_is_not():
    plain, padded = read(sample("MR_small.dcm"), options=ANY), read(sample("MR_small_padded.dcm"), options=ANY)
    assert (plain.pixels == padded.pixels).all()
    with pytest.raises(TruncatedImageError, match="8130 bytes of pixel data, 8192 are announced"):
        read(sample("MR_truncated.dcm"), options=ANY)


def test_a_missing_second_frame_is_truncated(dicom_file: Maker):
    with pytest.raises(TruncatedImageError):
        read(dicom_file(NumberOfFrames=2), options=ReadOptions(frame=2))
    rle = pydicom.dcmread(sample("emri_small_RLE.dcm"))
    rle.NumberOfFrames, rle.PixelData = 3, encapsulate([b"\0" * 64] * 2)
    stream = BytesIO()
    rle.save_as(stream)
    with pytest.raises(TruncatedImageError, match="frame 3"):
        read(stream.getvalue(), options=ReadOptions(frame=3, accept_any_modality=True))


def test_a_stream_of_another_size_than_the_header_is_refused_before_it_is_decoded():
    with pytest.raises(DamagedImageError, match=r"3722445056 x 1024 px, the header 256 x 1024"):
        read(sample("JPEG2000-embedded-sequence-delimiter.dcm"), options=ANY)
    with pytest.raises(DamagedImageError, match="of no known kind"):
        read(with_stream(HTJ2K.read_bytes(), lambda stream: b"\0" * len(stream)))


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless])
def test_a_compressed_stream_that_was_cut_short_is_refused(dicom_file: Maker, syntax: str, share: float):
    noise = np.random.default_rng(0).integers(0, 4096, (30, 40), dtype=np.uint16)
    body = compressed(dicom_file(noise), syntax)
    with pytest.raises((DamagedImageError, TruncatedImageError)):
        read(with_stream(body, lambda stream: stream[: int(len(stream) * share)]))


def test_a_compressed_bomb_is_refused_by_its_header():
    with pytest.raises(TooLargeError, match="would decode to"):
        read(sample("RG3_J2KI.dcm"), limits=Limits(max_ratio=10, free_bytes=1000))


def test_values_above_the_stored_bits_of_a_codec_are_the_highest(dicom_file: Maker):
    wide = compressed(dicom_file(np.full((30, 40), 5000, np.uint16), bits=16), JPEGLSLossless)
    ds = pydicom.dcmread(BytesIO(wide))
    ds.BitsStored, ds.HighBit = 12, 11
    stream = BytesIO()
    ds.save_as(stream)
    assert (read(stream.getvalue()).pixels == 65535).all()


@pytest.mark.parametrize("name", ["rtdose.dcm", "liver_1frame.dcm", "SC_rgb_rle_32bit.dcm"])
def test_one_bit_and_thirty_two_bit_pixels_are_refused(name: str):
    with pytest.raises(UnsupportedImageError, match="bits allocated"):
        read(sample(name), options=ANY)


def test_signed_padding_is_black(dicom_file: Maker):
    pixels = np.array([[-2000, -5, 0, 2047]], np.int16)
    body = dicom_file(pixels, PixelPaddingValue=-2000)
    assert read(body).pixels[0, 0] == 0
    ranged: dict[str, Any] = {"PixelPaddingValue": -2000, "PixelPaddingRangeLimit": -5}
    assert read(dicom_file(pixels, **ranged)).pixels[0, :3].tolist() == [0, 0, 32776]


def labelled(body: bytes, syntax: str) -> bytes:
    """The same file under another transfer syntax."""
    ds = pydicom.dcmread(BytesIO(body))
    ds.file_meta.TransferSyntaxUID = syntax
    stream = BytesIO()
    ds.save_as(stream, enforce_file_format=False)
    return stream.getvalue()


JPEG_KINDS = [JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless, HTJ2KLossless]


@pytest.mark.parametrize("says", JPEG_KINDS)
@pytest.mark.parametrize("holds", [JPEGLSLossless, JPEG2000Lossless])
def test_a_stream_of_another_kind_than_the_syntax_says_is_refused(dicom_file: Maker, holds: str, says: str):
    plain = dicom_file(np.random.default_rng(0).integers(0, 4096, (70, 80), dtype=np.uint16))
    body = labelled(compressed(plain, holds), says)
    if {holds, says} <= {JPEG2000Lossless, HTJ2KLossless} or holds == says:
        assert (read(body).pixels == read(plain).pixels).all()
        return
    with pytest.raises(DamagedImageError, match="the transfer syntax says"):
        read(body)


def in_dicom(dicom_file: Maker, stream: bytes) -> bytes:
    """An 8-bit object whose one frame is a JPEG stream."""
    ds = pydicom.dcmread(BytesIO(dicom_file(np.zeros((300, 240), np.uint8), bits=8)))
    ds.PixelData, ds.file_meta.TransferSyntaxUID = encapsulate([stream]), JPEGBaseline8Bit
    ds["PixelData"].VR = "OB"
    saved = BytesIO()
    ds.save_as(saved)
    return saved.getvalue()


def test_a_jpeg_in_dicom_gives_its_own_pixels_and_a_damaged_one_is_refused(dicom_file: Maker):
    stream = jpeg()
    whole = read(in_dicom(dicom_file, stream))
    assert (whole.pixels == decode_grey(stream)[0].astype(np.uint16) * 257).all()
    begin = scan(stream)
    for share in (0.2, 0.7):
        cut = stream[: begin + int((len(stream) - begin) * share)].rstrip(b"\xff") + b"\xff\xd9"
        with pytest.raises(DamagedImageError):
            read(in_dicom(dicom_file, cut))


def test_padding_behind_the_end_marker_is_no_irregularity():
    assert read(sample("RG3_J2KI.dcm"), options=ANY).source.irregularities == ()
