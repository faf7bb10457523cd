"""DICOM content that is encoded once and filled in for each image.

highdicom builds a measurement report right and slowly: 100 ms and more for five findings, nearly all of it for items
that are the same in every report of a model. So such an item is built by highdicom once, with stand-ins where values
go, and encoded; a mould then puts in the values of one image. Sequences and items have no length of their own
(DICOM PS3.5, 7.5.2), so that what is put in may be of any size.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Mapping

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element

ENCODING = "utf8"
CHARACTER_SET = "ISO_IR 192"  # UTF-8: whatever the source wrote its names in, and whatever a model calls its classes
_LONG = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"})
_ITEM = bytes.fromhex("feff00e0ffffffff")
_END_OF_ITEM = bytes.fromhex("feff0de000000000")
_END_OF_SEQUENCE = bytes.fromhex("feffdde000000000")
_NO_LENGTH = 0xFFFFFFFF


class Mould:
    """Encoded content with named holes.

    Args:
        body: content that was encoded with stand-ins.
        holes: name of a hole to the bytes that stand in its place; each may stand there more than once.

    Raises:
        ValueError: a stand-in is not in the content.
    """

    def __init__(self, body: bytes, holes: Mapping[str, bytes]) -> None:
        names = {standin: name for name, standin in holes.items()}
        parts = re.split(b"(" + b"|".join(re.escape(standin) for standin in names) + b")", body) if holes else [body]
        self._fixed = parts[::2]
        self._names = [names[standin] for standin in parts[1::2]]
        if missing := set(holes) - set(self._names):
            raise ValueError(f"no stand-in for {sorted(missing)}")

    def fill(self, values: Mapping[str, bytes]) -> bytes:
        """The content with every hole filled; raises ``KeyError`` for a hole without a value."""
        parts = [self._fixed[0]]
        for name, fixed in zip(self._names, self._fixed[1:], strict=True):
            parts += (values[name], fixed)
        return b"".join(parts)


def encode_items(items: Iterable[Dataset]) -> bytes:
    """Items of a sequence in Explicit VR Little Endian, text in UTF-8, no lengths."""
    return b"".join(_ITEM + encode_dataset(item) + _END_OF_ITEM for item in items)


def encode_dataset(dataset: Dataset) -> bytes:
    """The elements of a dataset in Explicit VR Little Endian, text in UTF-8, sequences without lengths."""
    return b"".join(encode_element(element) for element in dataset)


def encode_element(element: DataElement) -> bytes:
    """One element, as ``encode_dataset`` writes it."""
    if element.VR == "SQ":
        return sequence(element.tag, encode_items(element.value))
    stream = DicomBytesIO()
    stream.is_little_endian, stream.is_implicit_VR = True, False
    write_data_element(stream, element, [ENCODING])
    return bytes(stream.getvalue())


def sequence(tag: int, items: bytes) -> bytes:
    """A sequence of items that are encoded already."""
    return _head(tag, "SQ", _NO_LENGTH) + items + _END_OF_SEQUENCE


def text(tag: int, vr: str, value: str) -> bytes:
    """A text element, padded with a blank to an even length."""
    body = value.encode()
    body += b" " * (len(body) % 2)
    return _head(tag, vr, len(body)) + body


def uid(tag: int, value: str) -> bytes:
    """A UID element, padded with a zero byte to an even length."""
    body = value.encode()
    body += b"\0" * (len(body) % 2)
    return _head(tag, "UI", len(body)) + body


def floats(tag: int, vr: str, *values: float) -> bytes:
    """An element of float32 (``FL``) or float64 (``FD``) values."""
    body = struct.pack(f"<{len(values)}{'f' if vr == 'FL' else 'd'}", *values)
    return _head(tag, vr, len(body)) + body


def _head(tag: int, vr: str, length: int) -> bytes:
    """Tag, value representation and length of an element (DICOM PS3.5, 7.1.2)."""
    if vr in _LONG:
        return struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, vr.encode(), 0, length)
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr.encode(), length)
