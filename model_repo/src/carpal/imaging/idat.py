"""The image data of a PNG, inflated by ISA-L and handed on in stored blocks.

Most of what a radiograph's PNG costs is inflating, for which the zlib inside OpenCV takes about twice as long. A
decoder that is given the same bytes uncompressed has only the filters of the rows to undo, and gives the same pixels.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from functools import reduce
from math import ceil

from isal import isal_zlib

# Of a larger image two more copies would weigh more than the time.
MOST_BYTES = 32 * 2**20
_HEADER = b"\x78\x01"  # RFC 1950: deflate, a window of 32 KiB, the fastest level
_BLOCK = 0xFFFF  # RFC 1951, 3.2.4: the most bytes in a stored block
_BEFORE, _AFTER = 8, 4  # of a chunk's content: its length and kind, its checksum


def rows_bytes(width: int, height: int, bits: int, channels: int) -> int:
    """Bytes of all rows of an image that is not interlaced, each row with the byte that names its filter."""
    return height * (1 + ceil(width * bits * channels / 8))


def stored(body: bytes, parts: Sequence[slice], size: int) -> bytes | None:
    """The same PNG with its image data uncompressed.

    Args:
        body: the whole file, whose chunks were checked.
        parts: where the contents of its IDAT chunks are, in their order.
        size: bytes of all rows, as the header says.

    Returns:
        None where the decoder is to see the file as it is: the image is large, other chunks lie between those of its
        data, or what they hold is not a whole stream of ``size`` bytes.
    """
    begin, end = parts[0].start - _BEFORE, parts[-1].stop + _AFTER
    if size > MOST_BYTES or end - begin != sum(part.stop - part.start + _BEFORE + _AFTER for part in parts):
        return None
    view = memoryview(body)
    contents = [view[part] for part in parts]
    inflating = isal_zlib.decompressobj()
    try:
        rows = inflating.decompress(contents[0] if len(contents) == 1 else b"".join(contents), size + 1)
    except isal_zlib.error:  # type: ignore[misc]  # the stub has an instance where the module has a class
        return None
    if len(rows) != size or not inflating.eof:  # of a stream that is whole, with its checksum
        return None
    data = [b"IDAT", _HEADER, *_blocks(rows), struct.pack(">I", isal_zlib.adler32(rows))]
    length = sum(map(len, data)) - len(data[0])
    checksum = reduce(lambda before, piece: isal_zlib.crc32(piece, before), data, 0)
    # Joined once: each of these copies touches as many new pages of memory as the image has.
    return b"".join([view[:begin], struct.pack(">I", length), *data, struct.pack(">I", checksum), view[end:]])


def _blocks(rows: bytes) -> Iterator[bytes | memoryview]:
    """Stored blocks: RFC 1951, 3.2.4."""
    view = memoryview(rows)
    for start in range(0, len(rows), _BLOCK):
        block = view[start : start + _BLOCK]
        yield struct.pack("<BHH", start + _BLOCK >= len(rows), len(block), len(block) ^ _BLOCK)
        yield block
