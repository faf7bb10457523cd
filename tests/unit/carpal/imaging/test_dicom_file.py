"""DICOM files with parts missing, and deflated ones."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian
from tests.unit.carpal.imaging.samples import sample

from carpal.imaging.dicom_file import open_dicom
from carpal.imaging.errors import DamagedImageError, TooLargeError, TruncatedImageError, UnsupportedImageError
from carpal.imaging.limits import Limits
from carpal.imaging.options import ReadOptions
from carpal.imaging.readers import read

Maker = Callable[..., bytes]
PREAMBLE = 132


def after_meta(body: bytes) -> int:
    """Where the data set begins: group 0002 says its own length first."""
    return PREAMBLE + 12 + int.from_bytes(body[PREAMBLE + 8 : PREAMBLE + 12], "little")


def deflated(body: bytes) -> bytes:
    """The same file in the deflated syntax, whose meta header is as long."""
    end = after_meta(body)
    meta = body[:end].replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99")
    length = int.from_bytes(body[PREAMBLE + 8 : PREAMBLE + 12], "little") + 2
    meta = meta[: PREAMBLE + 8] + length.to_bytes(4, "little") + meta[PREAMBLE + 12 :]
    meta = meta.replace(b"UI\x14\x001.2.840.10008.1.2.1.99", b"UI\x16\x001.2.840.10008.1.2.1.99")
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return meta + packer.compress(body[end:]) + packer.flush()


def test_a_file_without_preamble_is_read(dicom_file: Maker):
    body = dicom_file()
    assert (read(body[PREAMBLE:]).pixels == read(body).pixels).all()


@pytest.mark.parametrize("syntax", [None, ImplicitVRLittleEndian])
def test_a_file_without_meta_header_is_read(dicom_file: Maker, syntax: str | None):
    body = dicom_file(**({"syntax": syntax} if syntax else {}))
    bare = read(body[after_meta(body) :])
    assert (bare.pixels == read(body).pixels).all()
    assert bare.source.transfer_syntax == (syntax or "1.2.840.10008.1.2.1")


def test_a_real_file_whose_meta_header_names_no_syntax_is_read():
    radiograph = read(sample("OT-PAL-8-face.dcm"), options=ReadOptions(accept_any_modality=True))
    assert radiograph.source.transfer_syntax in ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1")


def test_a_big_endian_file_without_meta_header_is_told_from_its_bytes():
    _, syntax = open_dicom(sample("ExplVR_BigEndNoMeta.dcm").read_bytes(), Limits())
    assert syntax == ExplicitVRBigEndian


def test_compressed_pixels_without_a_named_syntax_are_refused(dicom_file: Maker):
    body = sample("SC_rgb_rle.dcm").read_bytes()
    with pytest.raises(UnsupportedImageError, match="names no transfer syntax"):
        read(body[after_meta(body) :])


def test_a_deflated_file_gives_the_same_pixels(dicom_file: Maker):
    radiograph = read(deflated(dicom_file()))
    assert (radiograph.pixels == read(dicom_file()).pixels).all()
    assert radiograph.source.transfer_syntax == DeflatedExplicitVRLittleEndian


def test_a_real_deflated_file_is_read():
    assert read(sample("image_dfl.dcm")).pixels.shape == (512, 512)


def test_a_deflate_bomb_is_never_inflated_whole(dicom_file: Maker):
    body = deflated(dicom_file(np.zeros((3000, 3000), np.uint16)))
    assert len(body) < 25_000
    with pytest.raises(TooLargeError, match="inflates to more than 1000000"):
        read(body, limits=Limits(free_bytes=1_000_000, max_ratio=10))


def test_a_deflated_file_that_was_cut_short_is_truncated(dicom_file: Maker):
    with pytest.raises(TruncatedImageError):
        read(deflated(dicom_file())[:-20])


def test_a_deflated_file_that_was_altered_is_damaged(dicom_file: Maker):
    body = deflated(dicom_file())
    end = after_meta(body)
    with pytest.raises(DamagedImageError, match="does not inflate"):
        read(body[:end] + b"\xff" * 40)
