"""One frame of a DICOM object as grey levels, from whatever transfer syntax it is stored in.

Uncompressed little-endian words are taken as they lie. Everything else goes through pydicom (``dicom_decoder``). The
size that a compressed stream announces is compared with the header before a decoder sees it (``dicom_stream``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    RLELossless,
)

from carpal.excerpt import excerpt
from carpal.imaging.dicom_decoder import DECODERS, decode_stream
from carpal.imaging.dicom_file import text_of
from carpal.imaging.dicom_stream import Announced, checked_stream
from carpal.imaging.dicom_values import OptionalValues, required_number
from carpal.imaging.errors import DamagedImageError, NoSuchFrameError, TruncatedImageError, UnsupportedImageError
from carpal.imaging.jpeg_decoder import decode_grey
from carpal.imaging.limits import Limits
from carpal.imaging.presentation import grey_levels
from carpal.imaging.radiograph import Grey
from carpal.imaging.raster import grey

_PLAIN = {ImplicitVRLittleEndian, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian}
_GREY = {"MONOCHROME1", "MONOCHROME2"}
_COLOUR = {"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT", "PALETTE COLOR"}
_SEND_AGAIN = "Send or export the object again."


@dataclass(frozen=True)
class Frame:
    """One frame that was read.

    Attributes:
        pixels: uint8 or uint16 [rows, columns], bone bright.
        bits: stored a sample.
        voi: the VOI transform in words; None for colours.
        photometric: as the object says.
        frames: how many the object has.
    """

    pixels: Grey
    bits: int
    voi: str | None
    photometric: str
    frames: int


@dataclass(frozen=True)
class _Layout:
    rows: int
    columns: int
    frames: int
    photometric: str
    allocated: int
    bits: int
    samples: int
    signed: bool

    @property
    def frame_bytes(self) -> int:
        """Of one uncompressed frame."""
        return self.rows * self.columns * self.samples * self.allocated // 8


def read_frame(
    ds: Dataset, syntax: UID, limits: Limits, values: OptionalValues | None = None, *, frame: int = 1, window: int = 0
) -> Frame:
    """Decode one frame to grey.

    Args:
        ds: the data set.
        syntax: its transfer syntax.
        limits: bounds that are checked before pixels are touched.
        values: reads the optional values of the data set, and notes what is passed over.
        frame: the first is 1.
        window: which of several windows or VOI tables; the first is 0.

    Raises:
        ImageError: a leaf of ``carpal.imaging.errors``.
        Exception: whatever pydicom and its decoders raise for broken bytes.
    """
    _check_syntax(syntax)
    values = values or OptionalValues(ds)
    layout = _layout(ds, limits, values)
    if frame > layout.frames:
        raise NoSuchFrameError(
            f"frame {frame} of the DICOM object was asked for", f"It has {layout.frames}.", "Ask for one that it has."
        )
    if not syntax.is_encapsulated and "PixelData" in ds and ds["PixelData"].is_undefined_length:
        raise DamagedImageError(
            f"the DICOM file has compressed frames, the transfer syntax says {syntax.name}",
            "One of the two is wrong, and another image than was meant could be read.",
            _SEND_AGAIN,
        )
    if layout.photometric not in _GREY:
        stored, photometric = _decoded(ds, syntax, layout, limits, values, frame)
        return Frame(_luma(ds, stored, photometric), layout.bits, None, layout.photometric, layout.frames)
    if syntax in _PLAIN:
        stored = _plain(ds, layout, frame)
    else:
        stored, _ = _decoded(ds, syntax, layout, limits, values, frame)
    words = stored.view(f"u{stored.dtype.itemsize}")
    # A codec returns values; in words that were never encoded, and in RLE, overlays may lie above the stored bits.
    masked = syntax in _PLAIN or syntax in (RLELossless, ExplicitVRBigEndian)
    table, voi = _table(ds, values, layout, masked, window)
    pixels: NDArray[Any] = cv2.LUT(words, table)
    return Frame(pixels, layout.bits, voi, layout.photometric, layout.frames)


def _check_syntax(syntax: UID) -> None:
    if syntax not in {*_PLAIN, *DECODERS, ExplicitVRBigEndian}:
        raise UnsupportedImageError(
            f"the DICOM file has the transfer syntax {syntax.name or 'that nobody named'}",
            "Read are uncompressed, deflated, JPEG, JPEG-LS, JPEG 2000, HTJ2K and RLE objects.",
            "Decompress it first, for instance with `gdcmconv --raw in.dcm out.dcm` or `dcmdjpeg in.dcm out.dcm`.",
        )


def _layout(ds: Dataset, limits: Limits, values: OptionalValues) -> _Layout:
    """What the header says of the pixels, once that can be read."""
    allocated = required_number(ds, "BitsAllocated", 0)
    layout = _Layout(
        rows=required_number(ds, "Rows", 0),
        columns=required_number(ds, "Columns", 0),
        frames=_frames(values),
        photometric=text_of(ds, "PhotometricInterpretation"),
        allocated=allocated,
        bits=required_number(ds, "BitsStored", 0) or allocated,
        samples=required_number(ds, "SamplesPerPixel", 0) or 1,
        signed=required_number(ds, "PixelRepresentation", 0, most=1) == 1,
    )
    limits.check_pixels(layout.columns, layout.rows)
    limits.check_frames(layout.frames)
    known = layout.photometric in _GREY | _COLOUR
    samples = 1 if layout.photometric in _GREY | {"PALETTE COLOR"} else 3
    if not known or layout.allocated not in (8, 16) or layout.samples != samples:
        raise UnsupportedImageError(
            f"the DICOM object has {layout.samples} samples of {excerpt(layout.photometric) or 'unnamed'} pixels, "
            f"{layout.allocated} bits allocated",
            "Grey, RGB, YBR and palette pixels of 8 or 16 bits are read.",
            "Export the radiograph as grey.",
        )
    if not 1 <= layout.bits <= layout.allocated:
        raise DamagedImageError(
            f"BitsStored is {layout.bits}, BitsAllocated {layout.allocated}", "It cannot be.", _SEND_AGAIN
        )
    return layout


def _frames(values: OptionalValues) -> int:
    """How many frames there are: one unless the object says otherwise."""
    count = values.number("NumberOfFrames")
    if count is None or 1 <= count == int(count):
        return int(count or 1)
    if count != 0:  # as some devices say that there are none beside the first
        values.note("NumberOfFrames", "out of range")
    return 1


def _plain(ds: Dataset, layout: _Layout, frame: int) -> NDArray[Any]:
    """Little-endian words as they lie in the file: [rows, columns]. What stands behind them is padding."""
    data = ds.get("PixelData") or b""
    _check_length(len(data), layout, frame)
    words = np.dtype("u1" if layout.allocated == 8 else "<u2")
    flat = np.frombuffer(data, words, layout.rows * layout.columns, (frame - 1) * layout.frame_bytes)
    return flat.reshape(layout.rows, layout.columns)


def _check_length(found: int, layout: _Layout, frame: int) -> None:
    if found < layout.frame_bytes * frame:
        raise TruncatedImageError(
            f"the DICOM file holds {found} bytes of pixel data, {layout.frame_bytes * layout.frames} are announced",
            "It was cut short.",
            _SEND_AGAIN,
        )


def _decoded(
    ds: Dataset, syntax: UID, layout: _Layout, limits: Limits, values: OptionalValues, frame: int
) -> tuple[NDArray[Any], str]:
    """One frame through pydicom: [rows, columns] or [rows, columns, 3], and what its samples mean now."""
    data = ds.get("PixelData") or b""
    if syntax.is_encapsulated:
        announced = Announced(layout.rows, layout.columns, layout.frames, layout.frame_bytes)
        stream = checked_stream(data, syntax, limits, values, announced, frame)
        if syntax in (JPEGBaseline8Bit, JPEGExtended12Bit) and layout.bits <= 8 and layout.allocated == 8:
            pixels, irregular = decode_grey(stream.rstrip(b"\0"))
            for line in irregular:
                values.note("PixelData", line)
            if layout.samples == 1:
                _check_shape(pixels, layout)
                return pixels, layout.photometric
        pixels, meaning = decode_stream(ds, syntax, stream)
    else:
        if layout.photometric != "YBR_FULL_422":  # which shares its colours between pixels, and is shorter
            _check_length(len(data), layout, frame)
        pixels, said = get_decoder(syntax).as_array(ds, index=frame - 1, raw=True)
        meaning = str(said["photometric_interpretation"])
    _check_shape(pixels, layout)
    native = pixels.dtype.newbyteorder("=")
    return np.ascontiguousarray(pixels, native), meaning


def _check_shape(pixels: NDArray[Any], layout: _Layout) -> None:
    if pixels.shape[:2] != (layout.rows, layout.columns):
        raise DamagedImageError(
            f"the frame decodes to {pixels.shape}, {layout.rows} x {layout.columns} are announced",
            "Header and pixels are not of one image.",
            _SEND_AGAIN,
        )


def _luma(ds: Dataset, stored: NDArray[Any], photometric: str) -> Grey:
    """Grey of colours; the first sample of YBR is the luma already."""
    if photometric.startswith("YBR"):
        return np.ascontiguousarray(stored[:, :, 0])
    if photometric == "PALETTE COLOR":
        stored = apply_color_lut(stored, ds)[:, :, :3]
    return grey(np.ascontiguousarray(stored[:, :, ::-1]))


def _table(
    ds: Dataset, values: OptionalValues, layout: _Layout, masked: bool, window: int
) -> tuple[NDArray[np.uint16], str]:
    """The grey level of each word that can stand in the pixel data, and the VOI transform in words."""
    levels, voi = grey_levels(ds, values, layout.bits, layout.signed, window)
    words = np.arange(2**layout.allocated)
    if masked:
        shift = _shift(values, layout)
        index = (words >> shift) & (2**layout.bits - 1)
        if layout.signed:
            index ^= 2 ** (layout.bits - 1)
    else:
        lowest = -(2 ** (layout.bits - 1)) if layout.signed else 0
        negative = layout.signed & (words >= 2 ** (layout.allocated - 1))
        stored = np.where(negative, words - 2**layout.allocated, words)
        index = np.clip(stored - lowest, 0, 2**layout.bits - 1)
    return levels[index], voi


def _shift(values: OptionalValues, layout: _Layout) -> int:
    """Bits below the stored ones. A HighBit outside the allocated bits is passed over."""
    high_bit = values.number("HighBit")
    if high_bit is None or high_bit + 1 < layout.bits:
        return 0
    if high_bit >= layout.allocated or high_bit != int(high_bit):
        values.note("HighBit", "out of range")
        return 0
    return int(high_bit) + 1 - layout.bits
