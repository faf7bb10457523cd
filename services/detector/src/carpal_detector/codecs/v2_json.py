"""Open Inference Protocol v2 over REST: JSON, with the binary tensor extension."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
import orjson
import simdjson
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError

from carpal.document import explain
from carpal.excerpt import excerpt
from carpal_detector.codecs.call import Call, Requested, by_name, without_nulls
from carpal_detector.codecs.json_text import utf8_json
from carpal_detector.codecs.tensor import (
    BYTES,
    MAX_NAME,
    Tensor,
    check,
    from_binary,
    from_values,
    to_binary,
    to_values,
)
from carpal_detector.errors import BadTensorError, MalformedError

# How simdjson unpacks a list of numbers; the others go through float64, which holds each of their values.
_UNPACKED: dict[str, tuple[Literal["i", "u"], type[Any]]] = {"INT64": ("i", np.int64), "UINT64": ("u", np.uint64)}


class _Part(BaseModel):
    """Open, where our own documents are closed: the protocol lets clients send keys that a server does not know.

    Every optional field takes null, which clients such as KServe's SDK write where it is not given.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)


Name = Annotated[str, Field(max_length=MAX_NAME)]


class _Input(_Part):
    name: Name
    shape: list[StrictInt]
    datatype: Name
    parameters: dict[str, Any] | None = None
    data: Any = None


class _Output(_Part):
    name: Name
    parameters: dict[str, Any] | None = None


class _Request(_Part):
    inputs: Annotated[list[_Input], Field(min_length=1)]
    outputs: list[_Output] | None = None
    id: str | None = None
    parameters: dict[str, Any] | None = None


_INPUT_KEYS, _REQUEST_KEYS = frozenset(_Input.model_fields), frozenset(_Request.model_fields)


def parse(body: bytes, header_length: int | None = None) -> Call:
    """A body to a call.

    Args:
        body: JSON, followed by the binary tensors where header_length says where they start.
        header_length: of the Inference-Header-Content-Length header.

    Raises:
        MalformedError: not JSON, or a key missing or of the wrong kind.
        BadTensorError: an input at odds with itself.
    """
    if header_length is not None and not 0 <= header_length <= len(body):
        raise MalformedError(
            f"Inference-Header-Content-Length is {header_length}",
            f"The body has {len(body)} bytes.",
            "Set it to the length of the JSON that starts the body.",
        )
    request = _read(body if header_length is None else body[:header_length])
    rest = memoryview(body)[len(body) if header_length is None else header_length :]
    tensors = []
    for given in request.inputs:
        tensor, rest = _tensor(given, rest)
        tensors.append(tensor)
    if len(rest):
        raise BadTensorError(
            f"{len(rest)} bytes follow the last binary tensor", "", "Make binary_data_size add up to the body."
        )
    parameters = without_nulls(request.parameters)
    binary = parameters.get("binary_data_output") is True
    outputs = tuple(Requested(output.name, _is_binary(output, binary)) for output in request.outputs or ())
    return Call(by_name(tensors), outputs, request.id or "", parameters, binary)


def render(model: str, version: str, call_id: str, outputs: Sequence[tuple[Tensor, bool]]) -> tuple[bytes, int | None]:
    """An answer to a body, and the length of its JSON where bytes follow; each output says whether it goes as bytes."""
    entries: list[dict[str, Any]] = []
    tail: list[bytes] = []
    for tensor, binary in outputs:
        entry: dict[str, Any] = {"name": tensor.name, "datatype": tensor.datatype, "shape": list(tensor.shape)}
        if binary:
            tail.append(to_binary(tensor))
            entry["parameters"] = {"binary_data_size": len(tail[-1])}
        else:
            entry["data"] = to_values(tensor)
        entries.append(entry)
    answer: dict[str, Any] = {"model_name": model, "model_version": version, "outputs": entries}
    if call_id:
        answer["id"] = call_id
    head = orjson.dumps(answer)
    return (b"".join([head, *tail]), len(head)) if tail else (head, None)


def _is_binary(output: _Output, default: bool) -> bool:
    wish = (output.parameters or {}).get("binary_data")
    return default if wish is None else wish is True


def _read(text: bytes) -> _Request:
    try:
        return _Request.model_validate(_plain(simdjson.Parser().parse(utf8_json(text))))
    except ValidationError as failure:
        raise MalformedError(
            f"The request is no v2 inference request: {explain(failure, _Request)}",
            "It takes inputs, each with name, shape, datatype and data.",
            "See /openapi.json for an example.",
        ) from failure
    except (ValueError, RuntimeError) as failure:  # simdjson raises either, by what is wrong
        raise MalformedError(
            f"The request is not JSON: {failure}",
            "A body of this content type is a v2 inference request.",
            "Send an image with its own content type, image/png for one, or correct the JSON.",
        ) from failure


def _plain(document: Any) -> Any:
    """Python's own values, but for the data of tensors: those stay with the parser, because pixels as Python numbers
    would take thirty times their size. Unknown keys are left out: the parser does not find those that contain NUL."""
    given = document.get("inputs") if isinstance(document, simdjson.Object) else None
    if not isinstance(given, simdjson.Array):
        return _python(document)
    inputs = [
        {key: one[key] if key == "data" else _python(one[key]) for key in one if key in _INPUT_KEYS}
        if isinstance(one, simdjson.Object)
        else _python(one)
        for one in given
    ]
    return {key: inputs if key == "inputs" else _python(document[key]) for key in document if key in _REQUEST_KEYS}


def _python(value: Any) -> Any:
    if isinstance(value, simdjson.Object):
        return value.as_dict()
    return value.as_list() if isinstance(value, simdjson.Array) else value


def _values(given: _Input) -> NDArray[Any] | list[Any]:
    """The data of an input: text and truth values as a list, numbers as a flat array.

    Raises:
        BadTensorError: an unknown datatype, no list, or a list of other things than numbers.
    """
    check(given.name, given.datatype, given.shape)
    if not isinstance(given.data, simdjson.Array):
        raise BadTensorError(f"The data of input {given.name!r} is no list", "", "Give a list of its elements.")
    if given.datatype in (BYTES, "BOOL"):
        return list(given.data.as_list())
    unpacked = _UNPACKED.get(given.datatype)
    try:
        if unpacked is None:
            return np.frombuffer(given.data.as_buffer(of_type="d"), np.float64)
        return np.frombuffer(given.data.as_buffer(of_type=unpacked[0]), unpacked[1])
    except (TypeError, ValueError, OverflowError) as failure:
        raise BadTensorError(
            f"The data of input {given.name!r} are not numbers", f"It is {given.datatype}: {failure}."
        ) from failure


def _tensor(given: _Input, rest: memoryview) -> tuple[Tensor, memoryview]:
    """One input, and what is left of the binary part."""
    if given.data is not None:
        return from_values(given.name, given.datatype, given.shape, _values(given)), rest
    size = (given.parameters or {}).get("binary_data_size")
    if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= len(rest):
        raise BadTensorError(
            f"Input {given.name!r} has no data, and binary_data_size {excerpt(repr(size))}",
            f"{len(rest)} bytes are left in the binary part of the body.",
            "Give data, or binary_data_size and the header Inference-Header-Content-Length.",
        )
    return from_binary(given.name, given.datatype, given.shape, rest[:size]), rest[size:]
