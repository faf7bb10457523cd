"""Decoders of compressed DICOM frames: one a syntax, so that a file gives the same pixels wherever carpal runs."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
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

from carpal.imaging.errors import DamagedImageError
from carpal.imaging.jpeg_scans import with_impossible_tail, without_last_bytes

# Not gdcm, although it is the quicker one for lossless JPEG: it ends its process on some broken streams.
DECODERS = {
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
_LIBJPEG = {JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1}
_IMAGE_GROUP = 0x0028
_SEND_AGAIN = "Send or export the object again."


def decode_stream(ds: Dataset, syntax: UID, stream: bytes) -> tuple[NDArray[Any], str]:
    """Decode one compressed frame.

    Args:
        ds: the data set, whose attributes of the pixels are right for the stream.
        syntax: its transfer syntax, one of ``DECODERS``.
        stream: of the frame.

    Returns:
        The samples, [rows, columns] or [rows, columns, samples], and their photometric interpretation.

    Raises:
        DamagedImageError: the stream does not decode, or its data is less or more than its pixels need.
        Exception: whatever else pydicom raises for broken values.
    """
    if syntax not in _LIBJPEG:
        return _decode(ds, syntax, stream)
    decoded = _decode(ds, syntax, with_impossible_tail(stream))
    shortened = without_last_bytes(stream)
    if shortened is not None and _decodes(ds, syntax, shortened):
        raise DamagedImageError(
            "the compressed frame holds more data than its pixels need",
            "A part of it was overwritten, and the pixels behind that are wrong.",
            _SEND_AGAIN,
        )
    return decoded


def _decode(ds: Dataset, syntax: UID, stream: bytes) -> tuple[NDArray[Any], str]:
    image = ds.group_dataset(_IMAGE_GROUP)
    image.NumberOfFrames = 1
    image.PixelData = encapsulate([stream])
    image["PixelData"].VR = "OB"
    try:
        pixels, said = get_decoder(syntax).as_array(image, raw=True, decoding_plugin=DECODERS[syntax])
    except BaseException as failure:
        # pydicom wraps what decoders raise; a panic of those in Rust stands beside Exception, not below it
        if not isinstance(failure, RuntimeError) and type(failure).__name__ != "PanicException":
            raise
        raise DamagedImageError(
            f"the compressed frame ({syntax.name}) does not decode", "A part of it is missing or altered.", _SEND_AGAIN
        ) from failure
    return pixels, str(said["photometric_interpretation"])


def _decodes(ds: Dataset, syntax: UID, stream: bytes) -> bool:
    try:
        _decode(ds, syntax, stream)
    except DamagedImageError:
        return False
    return True
