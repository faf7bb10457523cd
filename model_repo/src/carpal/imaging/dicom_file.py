"""From the bytes of a DICOM file to its data set: with or without preamble and meta header, deflated or not.

What is missing is worked out from the bytes, and what is deflated is inflated within a bound.
"""

from __future__ import annotations

import logging
import warnings
import zlib
from io import BytesIO

from pydicom import Dataset, config, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from carpal.imaging.errors import DamagedImageError, TooLargeError, TruncatedImageError, UnsupportedImageError
from carpal.imaging.limits import Limits

_META_START, _META_END = 132, 0x0003_0000
_SEND_AGAIN = "Send or export the object again."


def accept_foreign_values() -> None:
    """Read and copy values that are against the rules in silence: pydicom's warnings and log quote the values."""
    warnings.filterwarnings("ignore", module=r"pydicom\.")
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    config.settings.reading_validation_mode = config.IGNORE
    config.settings.writing_validation_mode = config.IGNORE


def open_dicom(body: bytes, limits: Limits) -> tuple[Dataset, UID]:
    """The data set and its transfer syntax.

    Raises:
        TooLargeError: deflated, and more than the limits allow.
        DamagedImageError, TruncatedImageError: the meta header or the deflated part is broken.
        UnsupportedImageError: compressed pixels of which nobody says how.
        Exception: whatever else pydicom raises for broken bytes.
    """
    accept_foreign_values()
    meta, syntax = _meta(body)
    if syntax == DeflatedExplicitVRLittleEndian:
        return _inflated(body, *meta, limits), syntax
    ds = dcmread(BytesIO(body), force=True)
    if not syntax:
        syntax = _worked_out(ds)
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = syntax
    return ds, syntax


def text_of(ds: Dataset, keyword: str) -> str:
    """A value as text, without blanks around it; empty where it is missing or empty, and joined if there are several.

    Raises:
        ValueError: there is a sequence in its place. As text pydicom would print all that is in it, and where that is
            broken, double the message with each level: ten levels, a gigabyte.
        Exception: whatever pydicom raises for broken bytes.
    """
    value = ds.get(keyword)
    if isinstance(value, Sequence):
        raise ValueError(f"{keyword} holds a sequence")
    if isinstance(value, MultiValue):
        return "\\".join(str(part).strip() for part in value)
    return str(value or "").strip()


def _meta(body: bytes) -> tuple[tuple[Dataset, int], UID]:
    """The meta header and where it ends, and the transfer syntax that it names; both empty where there is none."""
    stream = BytesIO(body)
    stream.seek(_META_START if body[_META_START - 4 : _META_START] == b"DICM" else 0)
    if not body[stream.tell() :].startswith(b"\x02\0"):
        return (Dataset(), stream.tell()), UID("")
    meta = read_dataset(stream, False, True, stop_when=_after_meta)
    if any(meta.get_item(tag).VR == "SQ" for tag in meta.keys()):  # noqa: SIM118 - see text_of: nothing is decoded here
        raise DamagedImageError("the meta header holds a sequence", "None belongs there.", _SEND_AGAIN)
    return (meta, stream.tell()), UID(text_of(meta, "TransferSyntaxUID"))


def _after_meta(tag: int, *_: object) -> bool:
    return tag >= _META_END


def _inflated(body: bytes, meta: Dataset, end: int, limits: Limits) -> Dataset:
    """The data set of a deflated file, never more than the limits allow."""
    most = max(limits.free_bytes, int(min(limits.max_bytes, limits.max_ratio * len(body))))
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        plain = inflater.decompress(body[end:], most)
    except zlib.error as failure:
        raise DamagedImageError("the DICOM file does not inflate", "Its content was altered.", _SEND_AGAIN) from failure
    if inflater.unconsumed_tail:
        raise TooLargeError(
            f"the DICOM file has {len(body)} bytes and inflates to more than {most}",
            "So much is never inflated, so that a small file cannot fill the memory.",
            "Store it without deflating if it is truly that uniform.",
        )
    if not inflater.eof:
        raise TruncatedImageError(
            f"the deflated DICOM file ends after {len(body)} bytes", "It was cut short.", _SEND_AGAIN
        )
    ds = read_dataset(BytesIO(plain), False, True)
    ds.set_original_encoding(False, True, None)
    ds.file_meta = FileMetaDataset(meta)
    return ds


def _worked_out(ds: Dataset) -> UID:
    """The syntax of a file that names none: from how pydicom could read it.

    Raises:
        UnsupportedImageError: its pixels are compressed, by a method that only the syntax would tell.
    """
    implicit, little = ds.original_encoding
    if "PixelData" in ds and ds["PixelData"].is_undefined_length:
        raise UnsupportedImageError(
            "the DICOM file has compressed pixels and names no transfer syntax",
            "Without it nobody knows by which method they are compressed.",
            "Export it again with a meta header.",
        )
    if little is False:
        return ExplicitVRBigEndian
    return ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
