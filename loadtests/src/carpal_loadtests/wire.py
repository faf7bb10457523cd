"""How a payload becomes a request of each protocol, and where the record stands in the answer."""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from carpal_loadtests import oip
from carpal_loadtests.payloads import Payload

Protocol = Literal["image", "v2-json", "v2-binary", "grpc"]
HEADER_LENGTH = "inference-header-content-length"


@dataclass(frozen=True)
class Request:
    """One request, encoded once and sent as often as its payload is drawn."""

    path: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """One complete answer; header names are in lower case. A gRPC status is told as the HTTP status it stands for."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def encode(protocol: Protocol, payload: Payload, model: str) -> Request:
    """Encode a payload.

    Args:
        protocol: ``image`` sends the file as it is (DICOM too); the others carry it in a tensor of the Open Inference
            Protocol v2, files as BYTES and pixels as numbers: in JSON (files as base64), behind the JSON (binary tensor
            extension), or in protobuf.
        payload: what is sent.
        model: its name at the target.
    """
    path = f"/v2/models/{model}/infer"
    if protocol == "image":
        return Request(path, payload.body, {"Content-Type": payload.media_type})
    tensor = _tensor(payload)
    if protocol == "grpc":
        return Request(oip.METHOD, oip.infer_request(model, tensor, _raw(payload)))
    if protocol == "v2-json":
        data = payload.tensor.values(payload.body) if payload.tensor else [base64.b64encode(payload.body).decode()]
        body = orjson.dumps({"inputs": [{**tensor, "data": data}]}, option=orjson.OPT_SERIALIZE_NUMPY)
        return Request(path, body, {"Content-Type": "application/json"})
    raw = _raw(payload)
    head = orjson.dumps(
        {
            "inputs": [{**tensor, "parameters": {"binary_data_size": len(raw)}}],
            "parameters": {"binary_data_output": True},
        }
    )
    headers = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(head))}
    return Request(path, head + raw, headers)


def _tensor(payload: Payload) -> dict[str, Any]:
    """Name, datatype and shape of the input tensor."""
    if payload.tensor is None:
        return {"name": "image", "datatype": "BYTES", "shape": [1]}
    return {"name": "pixels", "datatype": payload.tensor.datatype, "shape": list(payload.tensor.shape)}


def _raw(payload: Payload) -> bytes:
    """The tensor's bytes, little-endian."""
    if payload.tensor is None:
        return struct.pack("<I", len(payload.body)) + payload.body
    return payload.tensor.values(payload.body).tobytes()


def record_in(protocol: Protocol, reply: Reply) -> bytes:
    """The record in a 200.

    Raises:
        ValueError: the body is not what the protocol says.
    """
    if protocol == "image":
        return reply.body
    if protocol == "grpc":
        return oip.record_in(reply.body)
    try:
        if protocol == "v2-json":
            return _text(orjson.loads(reply.body)["outputs"][0])
        length = int(reply.headers[HEADER_LENGTH])
        size = orjson.loads(reply.body[:length])["outputs"][0]["parameters"]["binary_data_size"]
        return oip.element(reply.body[length : length + size])
    except (KeyError, IndexError, TypeError, AttributeError) as failure:
        raise ValueError(f"the answer lacks {failure}") from failure


def _text(output: Mapping[str, list[str]]) -> bytes:
    return output["data"][0].encode()
