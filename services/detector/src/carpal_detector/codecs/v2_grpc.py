"""Open Inference Protocol v2 over gRPC: protobuf messages to calls and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carpal_detector.codecs.call import Call, Requested, by_name
from carpal_detector.codecs.tensor import BYTES, Tensor, check, from_binary, from_values, to_binary
from carpal_detector.errors import BadTensorError
from carpal_detector.proto import open_inference_pb2 as messages

# The field of InferTensorContents that holds each datatype, by the protocol's table; FP16 goes only as raw bytes.
CONTENTS = {
    "BOOL": "bool_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
# What each of those fields holds, by protobuf's own types.
_HELD = {
    "bool_contents": np.bool_,
    "uint_contents": np.uint32,
    "uint64_contents": np.uint64,
    "int_contents": np.int32,
    "int64_contents": np.int64,
    "fp32_contents": np.float32,
    "fp64_contents": np.float64,
}


def parse(request: Any) -> Call:
    """A ModelInferRequest to a call.

    Raises:
        BadTensorError: an input at odds with itself, or raw contents that are not one an input.
    """
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        raise BadTensorError(
            f"{len(raw)} raw_input_contents came with {len(request.inputs)} inputs",
            "Either every input has its raw contents or none has.",
            "Send one entry an input, in their order.",
        )
    tensors = [
        from_binary(given.name, given.datatype, given.shape, raw[index])
        if raw
        else from_values(given.name, given.datatype, given.shape, _contents(given))
        for index, given in enumerate(request.inputs)
    ]
    outputs = tuple(Requested(output.name, bool(raw)) for output in request.outputs)
    return Call(by_name(tensors), outputs, request.id, parameters(request.parameters), bool(raw))


def render(model: str, version: str, call_id: str, outputs: Sequence[Tensor], *, raw: bool) -> Any:
    """A ModelInferResponse: raw contents for callers who sent such, typed contents for the others."""
    response = messages.ModelInferResponse(model_name=model, model_version=version, id=call_id)
    for tensor in outputs:
        entry = response.outputs.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)
        if raw:
            response.raw_output_contents.append(to_binary(tensor))
        else:
            values = tensor.data if isinstance(tensor.data, tuple) else tensor.data.ravel().tolist()
            getattr(entry.contents, CONTENTS[tensor.datatype]).extend(values)
    return response


def held_bytes(request: Any) -> int:
    """About how many bytes the tensors of a request hold."""
    raw = sum(map(len, request.raw_input_contents))
    return raw + sum(sum(map(len, given.contents.bytes_contents)) for given in request.inputs)


def parameters(given: Any) -> dict[str, Any]:
    """A map of InferParameter to plain values."""
    chosen = {key: value.WhichOneof("parameter_choice") for key, value in given.items()}
    return {key: getattr(given[key], choice) for key, choice in chosen.items() if choice is not None}


def _contents(given: Any) -> Sequence[Any] | NDArray[Any]:
    check(given.name, given.datatype, given.shape)
    field = CONTENTS.get(given.datatype)
    if field is None:
        raise BadTensorError(
            f"Input {given.name!r} has the datatype {given.datatype!r}",
            "The protocol has no typed contents for it.",
            f"Use raw_input_contents, or one of {', '.join(CONTENTS)}.",
        )
    values = getattr(given.contents, field)
    return list(values) if given.datatype == BYTES else np.fromiter(values, _HELD[field], len(values))
