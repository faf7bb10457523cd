"""What a compressed stream says of itself, without decoding it: all that DICOM encapsulates as still images."""

from __future__ import annotations

import struct
from enum import Enum

_J2K = b"\xff\x4f\xff\x51"  # start of codestream, then the size segment (ISO/IEC 15444-1, A.5.1)
_J2K_SEARCHED = 4096
_J2K_SIZES = struct.Struct(">IIII")
_JPEG = b"\xff\xd8"
_START_OF_FRAME = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}  # 0xF7: JPEG-LS (ISO/IEC 14495-1)
_START_OF_SCAN, _END_OF_IMAGE, _FILL = 0xDA, 0xD9, 0xFF
_END_OF_STREAM = bytes((_FILL, _END_OF_IMAGE))  # of all but RLE
_RLE_HEADER, _MAX_SEGMENTS = struct.Struct("<II"), 15  # number of segments and where the first begins (PS3.5 G.5)
_RLE_HEADER_BYTES = 64
_PADDING = b"\0\xff"


class Kind(Enum):
    """Families of streams; a transfer syntax allows one."""

    JPEG = "JPEG (lossy)"
    LOSSLESS_JPEG = "lossless JPEG"
    JPEG_LS = "JPEG-LS"
    JPEG_2000 = "JPEG 2000"
    RLE = "RLE"
    UNKNOWN = "of no known kind"


_KINDS = {
    **dict.fromkeys((0xC0, 0xC1, 0xC2, 0xC9, 0xCA), Kind.JPEG),
    **dict.fromkeys((0xC3, 0xCB), Kind.LOSSLESS_JPEG),
    0xF7: Kind.JPEG_LS,
}


def stream_kind(stream: bytes) -> Kind:
    """The family of a stream, by its markers."""
    if stream.startswith(_JPEG):
        frame = _jpeg_frame(stream)
        return _KINDS.get(frame[0], Kind.UNKNOWN) if frame else Kind.UNKNOWN
    if stream.find(_J2K, 0, _J2K_SEARCHED) >= 0:
        return Kind.JPEG_2000
    if len(stream) >= _RLE_HEADER_BYTES:
        segments, first = _RLE_HEADER.unpack_from(stream)
        if 1 <= segments <= _MAX_SEGMENTS and first == _RLE_HEADER_BYTES:
            return Kind.RLE
    return Kind.UNKNOWN


def has_end_marker(stream: bytes) -> bool:
    """Whether a stream of JPEG, JPEG-LS or JPEG 2000 ends as it must; padding behind the end is allowed."""
    return stream.rstrip(_PADDING).endswith(_END_OF_STREAM)


def stream_size(stream: bytes) -> tuple[int, int] | None:
    """Width and height; None where the stream says none before its first scan."""
    if stream.startswith(_JPEG):
        frame = _jpeg_frame(stream)
        return frame and frame[1:]
    start = stream.find(_J2K, 0, _J2K_SEARCHED)  # behind the boxes of a JP2 file, which DICOM forbids and writers send
    if start < 0 or len(stream) < start + 8 + _J2K_SIZES.size:
        return None
    right, bottom, left, top = _J2K_SIZES.unpack_from(stream, start + 8)
    return right - left, bottom - top


def _jpeg_frame(stream: bytes) -> tuple[int, int, int] | None:
    """Marker of the frame header, width and height."""
    place = 2
    while place + 9 <= len(stream) and stream[place] == _FILL:
        marker = stream[place + 1]
        if marker == _FILL:
            place += 1
            continue
        if marker in _START_OF_FRAME:
            height, width = struct.unpack_from(">HH", stream, place + 5)
            return marker, width, height
        if marker in (_START_OF_SCAN, _END_OF_IMAGE):
            return None
        place += 2 + struct.unpack_from(">H", stream, place + 2)[0]
    return None
