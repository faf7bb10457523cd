"""Whether the scans of a JPEG are complete, without decoding them: decoders fill what is missing and report success."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_SEQUENTIAL = (0xC0, 0xC1)
_HUFFMAN = (0xC0, 0xC1, 0xC2, 0xC3)  # baseline, extended, progressive, lossless (ITU-T T.81, table B.1)
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
# Within entropy-coded data 0xFF is followed by 0x00 or by a restart marker (ITU-T T.81, B.1.1.5).
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.DOTALL)
_COEFFICIENTS = 64
_WHOLE_SPECTRUM = b"\0\x3f\0"  # start and end of the spectrum, and no approximation: of a scan that is not progressive
_ONES = b"\xff\0" * 16
_END = b"\xff\xd9"
_HOLE_BYTES = 64
_TAIL_BYTES = 32


def is_incomplete(stream: bytes) -> bool:
    """Whether a lossy JPEG lacks a scan: each bit of each coefficient of each component must be in one.

    Only of a stream with several scans all are looked for: the single one of the others goes over all components, and
    libjpeg warns if it ends early.
    """
    approximation: dict[int, list[int]] = {}  # by component: lowest bit of each coefficient that was in a scan
    progressive = False
    for marker, begin, end in _segments(stream):
        if marker in _FRAMES:
            ids = stream[begin + 8 : end : 3]
            approximation = {number: [_COEFFICIENTS] * _COEFFICIENTS for number in ids}
            progressive = marker not in _SEQUENTIAL
        if marker == _START_OF_SCAN:
            ids, (low, high, bits) = stream[begin + 3 : end - 3 : 2], stream[end - 3 : end]
            if not progressive:
                if len(ids) == len(approximation):
                    return False
                low, high, bits = _WHOLE_SPECTRUM
            for number in ids:
                for place in range(low, min(high, _COEFFICIENTS - 1) + 1):
                    approximation.setdefault(number, [_COEFFICIENTS] * _COEFFICIENTS)[place] = bits & 0x0F
    return any(any(bits) for bits in approximation.values())


def with_impossible_tail(stream: bytes) -> bytes:
    """The stream with ones behind its data, which no Huffman code consists of (ITU-T T.81, C).

    libjpeg reads zeros where data is missing; the ones end it with an error. Streams that are complete decode as
    before, because the bits that fill up the last byte are ones too. Arithmetic-coded streams are returned unchanged.

    The spectral limits of scans that are not progressive are set to those that the standard asks for: some devices
    write zeros, which libjpeg refuses.
    """
    corrected, frame = bytearray(stream), 0
    for marker, _, end in _segments(stream):
        if marker in _FRAMES:
            frame = marker
        if marker == _START_OF_SCAN and frame in _SEQUENTIAL:
            corrected[end - 3 : end] = _WHOLE_SPECTRUM
    return bytes(corrected[: _data_end(stream)]) + _ONES + _END if frame in _HUFFMAN else stream


def without_last_bytes(stream: bytes) -> bytes | None:
    """The stream as by ``with_impossible_tail``, and without the last of its data; None if it has no run of zeros.

    A hole of zeros puts a decoder out of step: it has all pixels before it has seen all data. A complete stream does
    not decode without its last bytes, one with a hole does.
    """
    if bytes(_HOLE_BYTES) not in stream:
        return None
    return with_impossible_tail(stream[: _data_end(stream) - _TAIL_BYTES].rstrip(b"\xff"))


def _data_end(stream: bytes) -> int:
    end = stream.rfind(_END)
    return len(stream) if end < 0 else end


def _segments(stream: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker of each segment, where its length stands and where it ends."""
    place = 2
    while match := _MARKER.search(stream, place):
        marker, begin = stream[match.end() - 1], match.end()
        if marker == _END_OF_IMAGE or begin + 2 > len(stream):
            return
        place = begin + int(struct.unpack_from(">H", stream, begin)[0])
        if place > len(stream):
            return
        yield marker, begin, place
