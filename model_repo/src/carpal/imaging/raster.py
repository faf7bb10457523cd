"""PNG and JPEG: headers and structure are checked before OpenCV decodes anything.

The walk over the file finds what a decoder may hide: some versions of libpng and libjpeg fill a file that was cut short
with grey and report success.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from carpal.imaging import idat
from carpal.imaging.colour import colourfulness
from carpal.imaging.errors import DamagedImageError, TruncatedImageError, UnsupportedImageError
from carpal.imaging.jpeg_decoder import decode_grey
from carpal.imaging.limits import Limits
from carpal.imaging.radiograph import Grey

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_SIGNATURE = b"\xff\xd8\xff"
_PNG_MODES = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_START_OF_FRAME = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_HUFFMAN_8_BIT = {0xC0, 0xC1, 0xC2}
_START_OF_SCAN, _END_OF_IMAGE, _PADDING = 0xDA, 0xD9, 0xFF
_FRAME_HEADER_BYTES = 6  # bits, rows, columns, number of components
_MM_IN_M = 1000.0
_WIDEST_PIXEL_BYTES = 8
_SEND_AGAIN = "Copy or export the file again."


@dataclass(frozen=True)
class Raster:
    """A decoded PNG, JPEG, TIFF or BMP.

    Attributes:
        pixels: uint8 or uint16 [height, width]; fewer bits than eight are spread over 0..255.
        bits: stored for each channel.
        pixel_mm: (between rows, between columns) where the file says how many pixels there are to the metre.
        frames: pages in the file.
        frame: which of them this is; the first is 1.
        colour: see ``carpal.imaging.colour``; None where the file has no colours to differ.
        irregularities: what in the file was against its format and passed over.
    """

    pixels: Grey
    bits: int
    pixel_mm: tuple[float, float] | None = None
    frames: int = 1
    frame: int = 1
    colour: float | None = None
    irregularities: tuple[str, ...] = ()


@dataclass(frozen=True)
class _PngHeader:
    width: int = 0
    height: int = 0
    bits: int = 0
    channels: int = 0
    interlaced: bool = False

    @property
    def bytes(self) -> int:
        """Of all rows, before they are compressed."""
        return idat.rows_bytes(self.width, self.height, self.bits, self.channels)


def read_png(body: bytes, limits: Limits) -> Raster:
    """Decode a PNG to grey.

    Raises:
        TruncatedImageError, DamagedImageError, TooLargeError, EmptyImageError: as their names say.
    """
    view = memoryview(body)
    header, pixel_mm = _PngHeader(), None
    seen: set[bytes] = set()
    parts: list[slice] = []
    for kind, place in _png_chunks(view):
        if kind == b"IHDR" and not seen:
            header = _png_header(view[place], limits, len(body))
        elif kind == b"IDAT":
            parts.append(place)
        elif kind == b"pHYs" and place.stop - place.start == 9:
            pixel_mm = _png_pixel_mm(view[place])
        seen.add(kind)
        if b"IHDR" not in seen:
            raise DamagedImageError("the PNG does not begin with its header", "IHDR must come first.", _SEND_AGAIN)
    if not parts:
        raise DamagedImageError("the PNG has no image data", "There is no IDAT chunk in it.", _SEND_AGAIN)
    quick = None if header.interlaced else idat.stored(body, parts, header.bytes)
    samples = decode_samples(quick or body, cv2.IMREAD_UNCHANGED, "PNG", header.width * header.height)
    return Raster(grey(samples), header.bits, pixel_mm, colour=_colour(samples))


def read_jpeg(body: bytes, limits: Limits) -> Raster:
    """Decode an 8-bit JPEG to its luma, in the orientation in which it is stored (EXIF is not applied).

    Raises:
        TruncatedImageError, DamagedImageError, TooLargeError, EmptyImageError: as their names say.
        UnsupportedImageError: lossless, arithmetic or 12-bit.
    """
    marker, frame, scan = _jpeg_frame(body)
    bits, height, width = struct.unpack(">BHH", frame[:5])
    limits.check_pixels(width, height)
    limits.check_ratio(width * height, len(body))
    if marker not in _HUFFMAN_8_BIT or bits != 8:
        raise UnsupportedImageError(
            f"the JPEG has {bits} bits (frame type 0x{marker:02x})",
            "Baseline and progressive JPEG with 8 bits are read; lossless and 12-bit ones are not.",
            "Save it as a 16-bit grey PNG, which loses nothing.",
        )
    if body.rfind(bytes((0xFF, _END_OF_IMAGE))) < scan:
        raise TruncatedImageError("the JPEG has no end marker", "The file was cut short.", _SEND_AGAIN)
    pixels, irregularities = decode_grey(body)
    colour = _jpeg_colour(body, frame, width * height)
    return Raster(pixels, bits, colour=colour, irregularities=irregularities)


def _png_chunks(view: memoryview) -> Iterator[tuple[bytes, slice]]:
    """Kind of every chunk up to the last and where its content is, each with a good checksum."""
    place = len(PNG_SIGNATURE)
    while True:
        if place + 12 > len(view):
            raise TruncatedImageError(f"the PNG ends after {len(view)} bytes", "It was cut short.", _SEND_AGAIN)
        length, kind = struct.unpack_from(">I4s", view, place)
        end = place + 12 + length
        if end > len(view):
            raise TruncatedImageError(f"the PNG ends after {len(view)} bytes", "It was cut short.", _SEND_AGAIN)
        if isal_zlib.crc32(view[place + 4 : end - 4]) != struct.unpack_from(">I", view, end - 4)[0]:
            raise DamagedImageError(
                f"a part of the PNG has a wrong checksum (at byte {place})", "The file was altered.", _SEND_AGAIN
            )
        yield kind, slice(place + 8, end - 4)
        if kind == b"IEND":
            return
        place = end


def _png_header(header: memoryview, limits: Limits, encoded: int) -> _PngHeader:
    if len(header) != 13:
        raise DamagedImageError(f"the PNG's header has {len(header)} bytes", "It must have 13.", _SEND_AGAIN)
    width, height, bits, mode, _, _, interlace = struct.unpack(">IIBBBBB", header)
    limits.check_pixels(width, height)
    if bits not in _PNG_MODES.get(mode, ()):
        raise DamagedImageError(
            f"the PNG claims {bits} bits in colour mode {mode}", "There is no such PNG.", _SEND_AGAIN
        )
    channels = _PNG_CHANNELS[mode]
    limits.check_ratio(width * height * bits * channels // 8, encoded)
    return _PngHeader(width, height, bits, channels, interlace != 0)


def _png_pixel_mm(data: memoryview) -> tuple[float, float] | None:
    columns, rows, unit = struct.unpack(">IIB", data)
    return (_MM_IN_M / rows, _MM_IN_M / columns) if unit == 1 and rows and columns else None


def _jpeg_frame(body: bytes) -> tuple[int, bytes, int]:
    """Type and content of the frame header, and where the first scan begins."""
    place, frame, kind = 2, b"", 0
    while place + 4 <= len(body):
        if body[place] != _PADDING:
            raise DamagedImageError(f"the JPEG has no marker at byte {place}", "The file was altered.", _SEND_AGAIN)
        marker = body[place + 1]
        if marker == _PADDING:
            place += 1
            continue
        (length,) = struct.unpack_from(">H", body, place + 2)
        if marker == _START_OF_SCAN and len(frame) >= 6:
            return kind, frame, place
        if marker in _START_OF_FRAME:
            kind, frame = marker, body[place + 4 : place + 2 + length]
        place += 2 + length
    raise TruncatedImageError(f"the JPEG ends after {len(body)} bytes", "No image data was found in it.", _SEND_AGAIN)


def _jpeg_colour(body: bytes, frame: bytes, size_px: int) -> float | None:
    """Of the JPEG at an eighth of its size: many grey ones have three components, so their number says nothing."""
    if len(frame) < _FRAME_HEADER_BYTES or frame[_FRAME_HEADER_BYTES - 1] < 3:
        return None
    flags = cv2.IMREAD_REDUCED_COLOR_8 | cv2.IMREAD_IGNORE_ORIENTATION
    return _colour(decode_samples(body, flags, "JPEG", size_px))


def _colour(samples: NDArray[Any]) -> float | None:
    return colourfulness(samples) if samples.ndim == 3 and samples.shape[2] >= 3 else None


def decode(body: bytes, flags: int, format_name: str, size_px: int) -> Grey:
    """Grey pixels by OpenCV; arguments and errors as of ``decode_samples``."""
    return grey(decode_samples(body, flags, format_name, size_px))


def decode_samples(body: bytes, flags: int, format_name: str, size_px: int) -> NDArray[Any]:
    """What OpenCV decodes: uint8 or uint16, [rows, columns] or [rows, columns, channels] in the order BGR.

    Args:
        body: a file whose structure was checked.
        flags: of ``cv2.imdecode``.
        format_name: for the message.
        size_px: as the header says, rows x columns.

    Raises:
        DamagedImageError: it does not decode, or not to unsigned integers.
        MemoryError: it does not decode, and there is no room for it.
    """
    try:
        pixels = cv2.imdecode(np.frombuffer(body, np.uint8), flags)
    except cv2.error:
        pixels = None
    if pixels is None or pixels.dtype not in (np.uint8, np.uint16):
        np.empty(_WIDEST_PIXEL_BYTES * size_px, np.uint8)  # OpenCV keeps to itself that memory was what it lacked
        raise DamagedImageError(
            f"the {format_name} does not decode", "Its parts are all there, but their content is broken.", _SEND_AGAIN
        )
    return pixels


def grey(pixels: NDArray[Any]) -> Grey:
    """One channel of what OpenCV decoded: grey as it is, BGR as luma (Rec. 601), alpha laid over black."""
    if pixels.ndim == 2:
        return pixels
    channels = pixels.shape[2]
    if channels == 1:
        return pixels[:, :, 0]
    luma: Any = cv2.cvtColor(np.ascontiguousarray(pixels[:, :, :3]), cv2.COLOR_BGR2GRAY)
    if channels == 4 and (top := np.iinfo(pixels.dtype).max) and (pixels[:, :, 3] != top).any():
        luma = np.rint(luma * (pixels[:, :, 3] / top)).astype(pixels.dtype)
    grey_levels: Grey = luma
    return grey_levels
