"""The two messages of the Open Inference Protocol's ``ModelInfer`` that a load test needs, and only their fields used.

Field names and numbers are the standard's (grpc_predict_v2.proto); unknown fields of an answer are passed over, as
protobuf does. Building the descriptors here keeps the load tests free of the service's modules.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

METHOD = "/inference.GRPCInferenceService/ModelInfer"
_Field = descriptor_pb2.FieldDescriptorProto
_TENSOR = (("name", 1, "string"), ("datatype", 2, "string"), ("shape", 3, "int64*"))


def infer_request(model: str, tensor: Mapping[str, Any], raw: bytes) -> bytes:
    """A serialised ModelInferRequest with one input.

    Args:
        model: its name at the target.
        tensor: name, datatype and shape of the input.
        raw: its bytes, little-endian; an element of BYTES has its length before it.
    """
    request = _messages()["ModelInferRequest"](model_name=model)
    request.inputs.add(**tensor)
    request.raw_input_contents.append(raw)
    return bytes(request.SerializeToString())


def record_in(body: bytes) -> bytes:
    """The first element of the first output of a serialised ModelInferResponse.

    Raises:
        ValueError: no such message, or no such element in it.
    """
    try:
        response = _messages()["ModelInferResponse"].FromString(body)
    except DecodeError as failure:
        raise ValueError("the answer is no ModelInferResponse") from failure
    if not response.raw_output_contents:
        raise ValueError("the answer has no raw_output_contents")
    return element(response.raw_output_contents[0])


def element(raw: bytes) -> bytes:
    """The first element of a BYTES tensor: its length in four bytes, little-endian, then itself.

    Raises:
        ValueError: it is cut short.
    """
    if len(raw) < 4 or len(raw) < 4 + (length := struct.unpack_from("<I", raw)[0]):
        raise ValueError(f"a BYTES tensor of {len(raw)} bytes is cut short")
    return bytes(raw[4 : 4 + length])


@cache
def _messages() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="carpal_loadtests_oip.proto", package="inference", syntax="proto3")
    for name, inner, fields in (
        (
            "ModelInferRequest",
            "InferInputTensor",
            (("model_name", 1, "string"), ("inputs", 5, "InferInputTensor*"), ("raw_input_contents", 7, "bytes*")),
        ),
        (
            "ModelInferResponse",
            "InferOutputTensor",
            (("outputs", 5, "InferOutputTensor*"), ("raw_output_contents", 6, "bytes*")),
        ),
    ):
        message = file.message_type.add(name=name)
        _fill(message.nested_type.add(name=inner), _TENSOR, f".inference.{name}")
        _fill(message, fields, f".inference.{name}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"inference.{name}"))
        for name in ("ModelInferRequest", "ModelInferResponse")
    }


def _fill(message: Any, fields: tuple[tuple[str, int, str], ...], scope: str) -> None:
    scalars = {"string": _Field.TYPE_STRING, "int64": _Field.TYPE_INT64, "bytes": _Field.TYPE_BYTES}
    for name, number, kind in fields:
        label = _Field.LABEL_REPEATED if kind.endswith("*") else _Field.LABEL_OPTIONAL
        plain = kind.rstrip("*")
        if plain in scalars:
            message.field.add(name=name, number=number, label=label, type=scalars[plain])
        else:
            message.field.add(
                name=name, number=number, label=label, type=_Field.TYPE_MESSAGE, type_name=f"{scope}.{plain}"
            )
