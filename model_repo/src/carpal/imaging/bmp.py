"""BMP: the header is checked before OpenCV decodes the pixels."""

from __future__ import annotations

import struct

import cv2

from carpal.imaging.errors import DamagedImageError, TruncatedImageError, UnsupportedImageError
from carpal.imaging.limits import Limits
from carpal.imaging.raster import Raster, decode

BMP_SIGNATURE = b"BM"
_PLACE_OF_PIXELS, _HEADER = 10, 14
_OLD_HEADER, _NEWEST_HEADER = 12, 124
_BITS = (1, 4, 8, 16, 24, 32)
_UNCOMPRESSED = {0: "none", 3: "bit fields", 6: "bit fields with alpha"}
_SEND_AGAIN = "Copy or export the file again."


def read_bmp(body: bytes, limits: Limits) -> Raster:
    """Decode an uncompressed BMP to grey; a fourth channel is ignored, because most writers leave it at zero.

    Raises:
        TruncatedImageError, DamagedImageError, TooLargeError, EmptyImageError: as their names say.
        UnsupportedImageError: run-length encoded, or JPEG or PNG inside.
    """
    try:
        (start,) = struct.unpack_from("<I", body, _PLACE_OF_PIXELS)
        width, height, bits, compression = _header(body)
    except struct.error as failure:
        raise TruncatedImageError(
            f"the BMP ends after {len(body)} bytes", "Its header is not whole.", _SEND_AGAIN
        ) from failure
    limits.check_pixels(width, height)
    if bits not in _BITS:
        raise DamagedImageError(f"the BMP claims {bits} bits a pixel", "There is no such BMP.", _SEND_AGAIN)
    if compression not in _UNCOMPRESSED:
        raise UnsupportedImageError(
            f"the BMP is compressed (method {compression})",
            "Only uncompressed BMP is read.",
            "Save it as a PNG, which is smaller too.",
        )
    row_bytes = (width * bits + 31) // 32 * 4  # rows end on four bytes
    if start + row_bytes * height > len(body):
        raise TruncatedImageError(
            f"the BMP has {len(body)} bytes, {start + row_bytes * height} are announced",
            "It was cut short.",
            _SEND_AGAIN,
        )
    return Raster(decode(body, cv2.IMREAD_GRAYSCALE, "BMP", width * height), min(bits, 8))


def _header(body: bytes) -> tuple[int, int, int, int]:
    """Width, height, bits a pixel and compression; a negative height only says that the rows run downwards."""
    (size,) = struct.unpack_from("<I", body, _HEADER)
    if size == _OLD_HEADER:
        width, height, _, bits = struct.unpack_from("<HHHH", body, _HEADER + 4)
        return width, height, bits, 0
    if not _OLD_HEADER < size <= _NEWEST_HEADER:
        raise DamagedImageError(f"the BMP's header claims {size} bytes", "There is no such BMP.", _SEND_AGAIN)
    width, height, _, bits, compression = struct.unpack_from("<iiHHI", body, _HEADER + 4)
    return width, abs(height), bits, compression
