"""A named tensor of the Open Inference Protocol, and its two encodings: row-major bytes and lists of values."""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carpal.excerpt import excerpt
from carpal_detector.errors import BadTensorError

BYTES = "BYTES"
# No image needs more; numpy refuses what goes far beyond, even where a dimension is 0.
MOST_DIMENSIONS = 8
LARGEST_SIDE = 2**31
MAX_NAME = 64  # characters; errors contain the name
DTYPES: dict[str, np.dtype[Any]] = {
    name: np.dtype(code)
    for name, code in {
        "BOOL": "?",
        "UINT8": "<u1",
        "UINT16": "<u2",
        "UINT32": "<u4",
        "UINT64": "<u8",
        "INT8": "<i1",
        "INT16": "<i2",
        "INT32": "<i4",
        "INT64": "<i8",
        "FP16": "<f2",
        "FP32": "<f4",
        "FP64": "<f8",
    }.items()
}


@dataclass(frozen=True)
class Tensor:
    """One input or output.

    Attributes:
        name: as in the model's metadata.
        datatype: of the protocol: BYTES, UINT8, FP32, INT64 and so on.
        shape: dimensions, none negative.
        data: the array of that shape; for BYTES the elements in row-major order.
        text: whether BYTES elements are UTF-8 text, which JSON holds as it is; others go as base64 there.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]
    data: NDArray[Any] | tuple[bytes, ...]
    text: bool = True

    @property
    def elements(self) -> tuple[bytes, ...]:
        """The elements of a BYTES tensor."""
        if not isinstance(self.data, tuple):
            raise BadTensorError(
                f"Input {self.name!r} is {self.datatype}", "BYTES was expected.", "See the model's metadata."
            )
        return self.data

    @property
    def array(self) -> NDArray[Any]:
        """The array of a numeric tensor."""
        if isinstance(self.data, tuple):
            raise BadTensorError(f"Input {self.name!r} is BYTES", "Numbers were expected.", "See the model's metadata.")
        return self.data


def from_array(name: str, datatype: str, array: NDArray[Any]) -> Tensor:
    """A numeric tensor of an array, cast to the datatype."""
    return Tensor(name, datatype, tuple(array.shape), np.ascontiguousarray(array, DTYPES[datatype]))


def from_elements(name: str, elements: Sequence[bytes], *, text: bool = True) -> Tensor:
    """A one-dimensional BYTES tensor."""
    return Tensor(name, BYTES, (len(elements),), tuple(elements), text)


def from_binary(name: str, datatype: str, shape: Sequence[int], raw: bytes | memoryview) -> Tensor:
    """Decode row-major little-endian bytes; a BYTES element has its length before it, four bytes little-endian.

    Raises:
        BadTensorError: unknown datatype, negative dimension, or a length that the shape does not give.
    """
    count = check(name, datatype, shape)
    if datatype == BYTES:
        elements = _split(name, memoryview(raw))
        return _sized(name, BYTES, shape, count, elements)
    dtype = DTYPES[datatype]
    if len(raw) != count * dtype.itemsize:
        raise BadTensorError(
            f"Input {name!r} has {len(raw)} bytes",
            f"Shape {list(shape)} of {datatype} takes {count * dtype.itemsize}.",
            "Send as many bytes as the shape gives.",
        )
    return Tensor(name, datatype, tuple(shape), np.frombuffer(raw, dtype).reshape(shape))


def from_values(name: str, datatype: str, shape: Sequence[int], values: Sequence[Any] | NDArray[Any]) -> Tensor:
    """Decode JSON or protobuf values, flat or nested; a BYTES element is base64 text, or bytes as they are.

    Numbers that come as an array are looked at where they are: no Python object is made of them.

    Raises:
        BadTensorError: unknown datatype, negative dimension, a count that the shape does not give, a value out of
            range.
    """
    count = check(name, datatype, shape)
    if datatype == BYTES:
        return _sized(name, BYTES, shape, count, tuple(_element(name, value) for value in _flat(values)))
    dtype = DTYPES[datatype]
    try:
        array = np.asarray(values)
        if array.size and array.dtype.kind not in "biuf":
            raise ValueError(f"they are {array.dtype.name}")
        with np.errstate(invalid="ignore", over="ignore"):
            cast = array.astype(dtype)
    except (ValueError, OverflowError) as failure:
        raise BadTensorError(
            f"The data of input {name!r} are not numbers: {failure}", f"It is {datatype}."
        ) from failure
    if dtype.kind != "f" and not np.array_equal(cast, array):
        raise BadTensorError(
            f"Input {name!r} has values that {datatype} cannot hold", "", "Send whole numbers in its range."
        )
    if array.size != count:
        raise _miscounted(name, shape, count, array.size)
    return Tensor(name, datatype, tuple(shape), cast.reshape(shape))


def to_binary(tensor: Tensor) -> bytes:
    """Row-major little-endian bytes; the inverse of from_binary."""
    if isinstance(tensor.data, tuple):
        return b"".join(struct.pack("<I", len(element)) + element for element in tensor.data)
    return tensor.data.tobytes()


def to_values(tensor: Tensor) -> list[Any]:
    """Flat values for JSON; BYTES elements as the text that they are, or as base64."""
    if isinstance(tensor.data, tuple):
        return [element.decode() if tensor.text else base64.b64encode(element).decode() for element in tensor.data]
    return list(tensor.data.ravel().tolist())


def check(name: str, datatype: str, shape: Sequence[int]) -> int:
    """The number of elements that a declaration promises.

    Raises:
        BadTensorError: too long a name, unknown datatype or negative dimension.
    """
    if len(name) > MAX_NAME:
        raise BadTensorError(
            f"An input has the name {excerpt(name)!r}",
            f"A name has at most {MAX_NAME} characters.",
            "See the model's metadata.",
        )
    if datatype != BYTES and datatype not in DTYPES:
        raise BadTensorError(
            f"Input {name!r} has the datatype {excerpt(datatype)!r}",
            "The Open Inference Protocol does not know it.",
            f"Use one of BYTES, {', '.join(DTYPES)}.",
        )
    if len(shape) > MOST_DIMENSIONS or not all(0 <= side < LARGEST_SIDE for side in shape):
        raise BadTensorError(
            f"Input {name!r} has the shape {list(shape[: MOST_DIMENSIONS + 1])}",
            f"A shape has at most {MOST_DIMENSIONS} dimensions, none negative, each below {LARGEST_SIDE}.",
            "Give its true shape.",
        )
    return prod(shape)


def _split(name: str, raw: memoryview) -> tuple[bytes, ...]:
    elements: list[bytes] = []
    start = 0
    while start < len(raw):
        length = struct.unpack_from("<I", raw, start)[0] if start + 4 <= len(raw) else len(raw)
        start += 4
        if start + length > len(raw):
            raise BadTensorError(
                f"Input {name!r} is cut short in element {len(elements)}",
                "Each BYTES element has its length before it: four bytes, little-endian.",
                "Put the length before the encoded image, or send the image alone with its own content type.",
            )
        elements.append(bytes(raw[start : start + length]))
        start += length
    return tuple(elements)


def _element(name: str, value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except (TypeError, ValueError, binascii.Error) as failure:
        raise BadTensorError(
            f"An element of input {name!r} is not base64: {failure}",
            "In JSON a BYTES element is the base64 text of the encoded image.",
            "Encode it, use the binary tensor extension, or send the image alone with its own content type.",
        ) from failure


def _flat(values: Iterable[Any]) -> list[Any]:
    """The elements of nested lists, in order; without recursion, because callers choose the depth."""
    flat: list[Any] = []
    rest = list(values)[::-1]
    while rest:
        value = rest.pop()
        if isinstance(value, list):
            rest += value[::-1]
        else:
            flat.append(value)
    return flat


def _sized(name: str, datatype: str, shape: Sequence[int], count: int, elements: tuple[bytes, ...]) -> Tensor:
    if len(elements) != count:
        raise _miscounted(name, shape, count, len(elements))
    return Tensor(name, datatype, tuple(shape), elements)


def _miscounted(name: str, shape: Sequence[int], promised: int, sent: int) -> BadTensorError:
    return BadTensorError(
        f"Input {name!r} has {sent} elements",
        f"Shape {list(shape)} promises {promised}.",
        "Make shape and data agree.",
    )
