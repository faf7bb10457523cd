"""One frame of a DICOM object as grey levels, from whatever transfer syntax it is stored in.

Uncompressed little-endian words are taken as they lie. Everything else goes through pydicom and one decoder a syntax,
named here, so that the same file gives the same pixels wherever carpal runs. The size that a compressed stream
announces is compared with the header before a decoder sees it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from pydicom.uid import HTJ2K, JPEG2000  # isort: skip

from carpal.imaging.dicom_file import text_of
from carpal.imaging.dicom_values import OptionalValues
from carpal.imaging.errors import DamagedImageError, NoSuchFrameError, TruncatedImageError, UnsupportedImageError
from carpal.imaging.jpeg_decoder import decode_grey
from carpal.imaging.limits import Limits
from carpal.imaging.presentation import grey_levels
from carpal.imaging.radiograph import Grey
from carpal.imaging.raster import grey
from carpal.imaging.streams import END_OF_STREAM, Kind, stream_kind, stream_size

_PLAIN = {ImplicitVRLittleEndian, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian}
_PYDICOM = ""
# Not gdcm, although it is the quicker one for lossless JPEG: it ends its process on some broken streams.
_DECODERS = {
    ExplicitVRBigEndian: _PYDICOM,
    JPEGBaseline8Bit: "pillow",
    JPEGExtended12Bit: "pylibjpeg",
    JPEGLossless: "pylibjpeg",
    JPEGLosslessSV1: "pylibjpeg",
    JPEGLSLossless: "pyjpegls",
    JPEGLSNearLossless: "pyjpegls",
    JPEG2000Lossless: "pylibjpeg",
    JPEG2000: "pylibjpeg",
    HTJ2KLossless: "pylibjpeg",
    HTJ2KLosslessRPCL: "pylibjpeg",
    HTJ2K: "pylibjpeg",
    RLELossless: "pylibjpeg",
}
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
}
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
    layout = _layout(ds, limits)
    values = values or OptionalValues(ds)
    if frame > layout.frames:
        raise NoSuchFrameError(
            f"frame {frame} of the DICOM object was asked for", f"It has {layout.frames}.", "Ask for one that it has."
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
    if syntax not in _PLAIN and syntax not in _DECODERS:
        raise UnsupportedImageError(
            f"the DICOM file has the transfer syntax {syntax.name or 'that nobody named'}",
            "Read are uncompressed, deflated, JPEG, JPEG-LS, JPEG 2000, HTJ2K and RLE objects.",
            "Decompress it first, for instance with `gdcmconv --raw in.dcm out.dcm` or `dcmdjpeg in.dcm out.dcm`.",
        )


def _layout(ds: Dataset, limits: Limits) -> _Layout:
    """What the header says of the pixels, once that can be read."""
    layout = _Layout(
        rows=int(ds.get("Rows") or 0),
        columns=int(ds.get("Columns") or 0),
        frames=max(1, int(ds.get("NumberOfFrames") or 1)),
        photometric=text_of(ds, "PhotometricInterpretation"),
        allocated=int(ds.get("BitsAllocated") or 0),
        bits=int(ds.get("BitsStored") or ds.get("BitsAllocated") or 0),
        samples=int(ds.get("SamplesPerPixel") or 1),
    )
    limits.check_pixels(layout.columns, layout.rows)
    limits.check_frames(layout.frames)
    known = layout.photometric in _GREY | _COLOUR
    samples = 1 if layout.photometric in _GREY | {"PALETTE COLOR"} else 3
    if not known or layout.allocated not in (8, 16) or layout.samples != samples:
        raise UnsupportedImageError(
            f"the DICOM object has {layout.samples} samples of {layout.photometric or 'unnamed'} pixels, "
            f"{layout.allocated} bits allocated",
            "Grey, RGB, YBR and palette pixels of 8 or 16 bits are read.",
            "Export the radiograph as grey.",
        )
    if not 1 <= layout.bits <= layout.allocated:
        raise DamagedImageError(
            f"BitsStored is {layout.bits}, BitsAllocated {layout.allocated}", "It cannot be.", _SEND_AGAIN
        )
    return layout


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
        _check_stream(data, syntax, layout, limits, values, frame)
    elif layout.photometric != "YBR_FULL_422":  # which shares its colours between pixels, and is shorter
        _check_length(len(data), layout, frame)
    if syntax in (JPEGBaseline8Bit, JPEGExtended12Bit) and layout.bits <= 8 and layout.allocated == 8:
        pixels, irregular = decode_grey(get_frame(data, frame - 1, number_of_frames=layout.frames).rstrip(b"\0"))
        for line in irregular:
            values.note("PixelData", line)
        if layout.samples == 1:
            _check_shape(pixels, layout)
            return pixels, layout.photometric
    try:
        plugin = _DECODERS.get(syntax, _PYDICOM)
        pixels, said = get_decoder(syntax).as_array(ds, index=frame - 1, raw=True, decoding_plugin=plugin)
    except BaseException as failure:
        if type(failure).__name__ != "PanicException":  # of decoders in Rust; it stands beside Exception, not below it
            raise
        raise DamagedImageError(
            "the compressed frame does not decode", "Its parts do not fit together.", _SEND_AGAIN
        ) from failure
    _check_shape(pixels, layout)
    native = pixels.dtype.newbyteorder("=")
    return np.ascontiguousarray(pixels, native), str(said["photometric_interpretation"])


def _check_shape(pixels: NDArray[Any], layout: _Layout) -> None:
    if pixels.shape[:2] != (layout.rows, layout.columns):
        raise DamagedImageError(
            f"the frame decodes to {pixels.shape}, {layout.rows} x {layout.columns} are announced",
            "Header and pixels are not of one image.",
            _SEND_AGAIN,
        )


def _check_stream(
    data: bytes, syntax: UID, layout: _Layout, limits: Limits, values: OptionalValues, frame: int
) -> None:
    """Refuse a compressed frame that is missing, or of another size than the header says, before it is decoded."""
    try:
        stream = get_frame(data, frame - 1, number_of_frames=layout.frames)
    except (ValueError, IndexError, struct.error) as failure:
        raise TruncatedImageError(
            f"frame {frame} of the DICOM file is not there",
            f"It holds {len(data)} bytes of compressed pixel data, too few or out of order.",
            _SEND_AGAIN,
        ) from failure
    limits.check_ratio(layout.frame_bytes, len(stream))
    if syntax == RLELossless:
        return  # its decoder takes the size from the header and refuses what does not fill it
    _check_kind(stream, syntax, values)
    size = stream_size(stream)
    if size != (layout.columns, layout.rows):
        said = f"{size[0]} x {size[1]} px" if size else "no size at all"
        raise DamagedImageError(
            f"the compressed frame says {said}, the header {layout.columns} x {layout.rows} px",
            "They must agree, or the frame could fill the memory.",
            _SEND_AGAIN,
        )


def _check_kind(stream: bytes, syntax: UID, values: OptionalValues) -> None:
    """Refuse a stream of another kind than the transfer syntax says: a decoder can make noise of it.

    A missing end marker is noted: a stream that was cut short lacks it, and some encoders never write it.
    """
    kind = stream_kind(stream)
    if kind is not _KINDS[syntax]:
        raise DamagedImageError(
            f"the compressed frame is {kind.value}, the transfer syntax says {syntax.name}",
            "One of the two is wrong, and another image than was meant could be read.",
            _SEND_AGAIN,
        )
    if not stream.rstrip(b"\0").endswith(END_OF_STREAM):
        values.note("PixelData", "no end marker, the stream may be cut short")


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
    signed = bool(ds.get("PixelRepresentation"))
    levels, voi = grey_levels(ds, values, layout.bits, signed, window)
    words = np.arange(2**layout.allocated)
    if masked:
        high_bit = ds.get("HighBit")
        shift = max(0, (layout.bits - 1 if high_bit is None else int(high_bit)) + 1 - layout.bits)
        index = (words >> shift) & (2**layout.bits - 1)
        if signed:
            index ^= 2 ** (layout.bits - 1)
    else:
        lowest = -(2 ** (layout.bits - 1)) if signed else 0
        stored = np.where(words < 2 ** (layout.allocated - 1), words, words - 2**layout.allocated) if signed else words
        index = np.clip(stored - lowest, 0, 2**layout.bits - 1)
    return levels[index], voi
