"""Compressed frames decode to what was stored, or are refused: never to pixels that a decoder made up."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import NamedTuple

import numpy as np
import pydicom
import pytest
from pydicom.encaps import get_frame
from pydicom.uid import UID, JPEG2000Lossless, JPEGLSLossless, RLELossless
from tests.unit.carpal.imaging.samples import sample

from carpal.imaging.dicom_decoder import decode_stream
from carpal.imaging.errors import DamagedImageError

END = b"\xff\xd9"
HUFFMAN = ["JPGExtended.dcm", "JPEG-LL.dcm", "JPGLosslessP14SV1_1s_1f_8b.dcm"]


class Compressed(NamedTuple):
    ds: pydicom.Dataset
    syntax: UID
    stream: bytes

    def decode(self, stream: bytes) -> np.ndarray:
        return decode_stream(self.ds, self.syntax, stream)[0]


def compressed(name: str, syntax: str | None = None) -> Compressed:
    ds = pydicom.dcmread(sample(name))
    if syntax:
        ds.compress(syntax, generate_instance_uid=False)
    return Compressed(ds, ds.file_meta.TransferSyntaxUID, get_frame(ds.PixelData, 0, number_of_frames=1))


def data_of(stream: bytes) -> bytes:
    return stream[: stream.rindex(END)]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "half": lambda stream: stream[: len(stream) // 2],
    "half and an end marker": lambda stream: stream[: len(stream) // 2].rstrip(b"\xff") + END,
    "last bytes missing": lambda stream: data_of(stream)[:-8].rstrip(b"\xff") + END,
    "second half zeros": lambda stream: stream[: len(stream) // 2].ljust(len(stream), b"\0") + END,
    "hole": lambda stream: stream[: len(stream) // 3] + bytes(700) + stream[len(stream) // 3 + 700 :],
}


@pytest.mark.parametrize("damage", sorted(DAMAGES))
@pytest.mark.parametrize("name", HUFFMAN)
def test_a_damaged_huffman_coded_frame_is_refused(name: str, damage: str):
    frame = compressed(name)
    with pytest.raises(DamagedImageError, match=r"does not decode|more data than its pixels need"):
        frame.decode(DAMAGES[damage](frame.stream))


@pytest.mark.parametrize("syntax", [JPEGLSLossless, JPEG2000Lossless, RLELossless])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_frame_of_another_kind_that_was_cut_short_is_refused(syntax: str, share: float):
    frame = compressed("MR_small.dcm", syntax)
    with pytest.raises(DamagedImageError, match="does not decode"):
        frame.decode(frame.stream[: int(len(frame.stream) * share)].rstrip(b"\xff") + END)


@pytest.mark.parametrize("behind", [b"", b"\0", b"\xff"])
@pytest.mark.parametrize("name", HUFFMAN)
def test_a_complete_frame_decodes_whatever_stands_behind_its_data(name: str, behind: bytes):
    frame = compressed(name)
    assert np.array_equal(frame.decode(data_of(frame.stream) + (END + behind if behind else b"")), frame.ds.pixel_array)


def test_spectral_limits_that_libjpeg_refuses_are_corrected():
    wrong, right = compressed("JPEG-lossy.dcm"), compressed("JPGExtended.dcm")
    assert np.array_equal(wrong.decode(wrong.stream), right.ds.pixel_array)


def test_the_frame_is_decoded_by_the_headers_of_its_object():
    body = BytesIO()
    compressed("MR_small.dcm", RLELossless).ds.save_as(body)
    ds = pydicom.dcmread(BytesIO(body.getvalue()))
    ds.Rows = 63
    with pytest.raises(DamagedImageError):
        decode_stream(ds, RLELossless, get_frame(ds.PixelData, 0, number_of_frames=1))
