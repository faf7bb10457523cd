"""A compressed frame must be there, of the kind that the syntax says and of the size that the header says."""

from __future__ import annotations

import struct

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import (
    UID,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)
from tests.unit.carpal.imaging.samples import jpeg, sample

from carpal.imaging.dicom_stream import Announced, checked_stream
from carpal.imaging.dicom_values import OptionalValues
from carpal.imaging.errors import DamagedImageError, TooLargeError, TruncatedImageError
from carpal.imaging.limits import Limits

SYNTAXES = [
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEG2000Lossless,
    HTJ2KLossless,
    RLELossless,
]
JPEG_SIZE = Announced(300, 240, 1, 72000)


def checked(
    stream: bytes, syntax: UID, announced: Announced = JPEG_SIZE, limits: Limits | None = None
) -> tuple[bytes, tuple[str, ...]]:
    values = OptionalValues(pydicom.Dataset())
    found = checked_stream(encapsulate([stream]), syntax, limits or Limits(), values, announced, 1)
    return found, values.irregularities


def stored(syntax: UID) -> tuple[bytes, Announced]:
    """A stream of a syntax, 64 x 64 px."""
    if syntax in (JPEGBaseline8Bit, JPEGExtended12Bit):
        return jpeg(), JPEG_SIZE
    if syntax == JPEGLosslessSV1:
        ds = pydicom.dcmread(sample("JPGLosslessP14SV1_1s_1f_8b.dcm"))
    elif syntax == HTJ2KLossless:
        return stored(JPEG2000Lossless)  # the same markers
    else:
        ds = pydicom.dcmread(sample("MR_small.dcm"))
        ds.compress(syntax, generate_instance_uid=False)
    return get_frame(ds.PixelData, 0, number_of_frames=1), Announced(ds.Rows, ds.Columns, 1, ds.Rows * ds.Columns * 2)


@pytest.mark.parametrize("says", SYNTAXES)
@pytest.mark.parametrize("holds", SYNTAXES)
def test_only_a_stream_of_the_kind_that_the_syntax_says_is_taken(holds: UID, says: UID):
    stream, announced = stored(holds)
    same = [{JPEGBaseline8Bit, JPEGExtended12Bit}, {JPEG2000Lossless, HTJ2KLossless}, {holds}]
    if any({holds, says} <= kinds for kinds in same):
        assert checked(stream, says, announced)[0].rstrip(b"\0") == stream.rstrip(b"\0")
        return
    with pytest.raises(DamagedImageError, match="the transfer syntax says"):
        checked(stream, says, announced)


def test_a_stream_of_another_size_than_the_header_is_refused():
    with pytest.raises(DamagedImageError, match="240 x 300 px, the header 300 x 240 px"):
        checked(jpeg(), JPEGBaseline8Bit, Announced(240, 300, 1, 72000))


def test_a_frame_that_is_missing_is_truncated():
    values = OptionalValues(pydicom.Dataset())
    for data in (b"", b"\0" * 20, encapsulate([jpeg()])):
        with pytest.raises(TruncatedImageError, match="frame 2"):
            checked_stream(data, JPEGBaseline8Bit, Limits(), values, Announced(300, 240, 2, 72000), 2)


def test_a_bomb_is_refused_by_its_announcement():
    with pytest.raises(TooLargeError):
        checked(jpeg(), JPEGBaseline8Bit, Announced(300, 240, 1, 10**9), Limits(max_ratio=10, free_bytes=1000))


@pytest.mark.parametrize("behind", [b"", b"\0", b"\xff"])
def test_a_missing_end_marker_is_noted_and_padding_behind_one_is_not(behind: bytes):
    assert checked(jpeg() + behind, JPEGBaseline8Bit)[1] == ()
    assert checked(jpeg()[:-2] + behind, JPEGBaseline8Bit)[1] == (
        "(7FE0,0010) PixelData: no end marker, the stream may be cut short",
    )


def test_a_hole_in_jpeg_2000_is_noted():
    stream, announced = stored(JPEG2000Lossless)
    assert checked(stream, JPEG2000Lossless, announced)[1] == ()
    place = len(stream) // 2
    hollow = stream[:place] + bytes(300) + stream[place + 300 :]
    assert checked(hollow, JPEG2000Lossless, announced)[1] == (
        "(7FE0,0010) PixelData: a run of zeros in the stream, a part may be missing",
    )


@pytest.mark.parametrize("head", [struct.pack("<II", 0, 64), struct.pack("<II", 16, 64), struct.pack("<II", 1, 60)])
def test_a_header_that_no_rle_frame_has_is_of_no_known_kind(head: bytes):
    with pytest.raises(DamagedImageError, match="of no known kind"):
        checked(head + np.zeros(100, np.uint8).tobytes(), RLELossless)
