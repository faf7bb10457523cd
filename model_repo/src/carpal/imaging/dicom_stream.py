"""The compressed stream of one DICOM frame: its kind, its size and its end, before a decoder sees it."""

from __future__ import annotations

import struct
from typing import NamedTuple

from pydicom.encaps import get_frame
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from carpal.imaging.dicom_values import OptionalValues
from carpal.imaging.errors import DamagedImageError, TruncatedImageError
from carpal.imaging.limits import Limits
from carpal.imaging.streams import Kind, has_end_marker, stream_kind, stream_size

_KINDS = {
    JPEGBaseline8Bit: Kind.JPEG,
    JPEGExtended12Bit: Kind.JPEG,
    JPEGLossless: Kind.LOSSLESS_JPEG,
    JPEGLosslessSV1: Kind.LOSSLESS_JPEG,
    JPEGLSLossless: Kind.JPEG_LS,
    JPEGLSNearLossless: Kind.JPEG_LS,
    JPEG2000Lossless: Kind.JPEG_2000,
    JPEG2000: Kind.JPEG_2000,
    HTJ2KLossless: Kind.JPEG_2000,
    HTJ2KLosslessRPCL: Kind.JPEG_2000,
    HTJ2K: Kind.JPEG_2000,
    RLELossless: Kind.RLE,
}
_SEND_AGAIN = "Send or export the object again."
_HOLE = bytes(256)  # entropy coders write no such run, only as many packets without content would


class Announced(NamedTuple):
    """What the header of the object says of its frames."""

    rows: int
    columns: int
    frames: int
    frame_bytes: int


def checked_stream(
    data: bytes, syntax: UID, limits: Limits, values: OptionalValues, announced: Announced, frame: int
) -> bytes:
    """The compressed stream of a frame.

    A missing end marker is noted, because some encoders never write it; so is a run of zeros in JPEG 2000, whose
    decoder cannot know that data was overwritten.

    Args:
        data: of the element PixelData.
        syntax: transfer syntax.
        limits: of the size of the decoded frame in relation to the stream.
        values: notes what is passed over.
        announced: by the header.
        frame: the first is 1.

    Raises:
        TruncatedImageError: the frame is missing.
        DamagedImageError: it is of another kind than the transfer syntax says (a decoder can make noise of it), or of
            another size than the header says.
        TooLargeError: see ``Limits``.
    """
    try:
        stream = get_frame(data, frame - 1, number_of_frames=announced.frames)
    except (ValueError, IndexError, struct.error) as failure:
        raise TruncatedImageError(
            f"frame {frame} of the DICOM file is not there",
            f"It holds {len(data)} bytes of compressed pixel data, too few or out of order.",
            _SEND_AGAIN,
        ) from failure
    limits.check_ratio(announced.frame_bytes, len(stream))
    kind = stream_kind(stream)
    if kind is not _KINDS[syntax]:
        raise DamagedImageError(
            f"the compressed frame is {kind.value}, the transfer syntax says {syntax.name}",
            "One of the two is wrong, and another image than was meant could be read.",
            _SEND_AGAIN,
        )
    if kind is Kind.RLE:
        return stream  # its decoder takes the size from the header and refuses what does not fill it
    size = stream_size(stream)
    if size != (announced.columns, announced.rows):
        said = f"{size[0]} x {size[1]} px" if size else "no size at all"
        raise DamagedImageError(
            f"the compressed frame says {said}, the header {announced.columns} x {announced.rows} px",
            "They must agree, or the frame could fill the memory.",
            _SEND_AGAIN,
        )
    if not has_end_marker(stream):
        values.note("PixelData", "no end marker, the stream may be cut short")
    if kind is Kind.JPEG_2000 and _HOLE in stream:
        values.note("PixelData", "a run of zeros in the stream, a part may be missing")
    return stream
