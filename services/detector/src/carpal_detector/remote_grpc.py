"""The Open Inference Protocol v2 over gRPC, from the caller's side; deadlines are gRPC's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from carpal.engines.engine import Images
from carpal.engines.errors import RemoteFailedError
from carpal.engines.remote import DTYPES, Address, Told, late
from carpal.engines.remote_rest import strange, unreachable
from carpal_detector.proto import open_inference_pb2 as messages

SERVICE = "inference.GRPCInferenceService"
_TYPED = {"FP32": "fp32_contents", "FP64": "fp64_contents"}


class GrpcExchange:
    """A model behind gRPC.

    Args:
        address: grpc, or grpcs for TLS.
        longest_s: seconds that a question for metadata may take.
    """

    def __init__(self, address: Address, *, longest_s: float) -> None:
        self._address = address
        self._longest_s = longest_s
        options = [
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
            # Two services on one machine must not share a connection that one of them closes.
            ("grpc.use_local_subchannel_pool", 1),
            # gRPC waits longer and longer before it looks again; whoever waits for a restarted server does not.
            ("grpc.max_reconnect_backoff_ms", 1000),
        ]
        if address.scheme == "grpcs":
            self._channel = grpc.secure_channel(address.host, grpc.ssl_channel_credentials(), options)
        else:
            self._channel = grpc.insecure_channel(address.host, options)
        self._server, self._metadata, self._infer = (
            self._channel.unary_unary(
                f"/{SERVICE}/{name}",
                request_serializer=getattr(messages, f"{name}Request").SerializeToString,
                response_deserializer=getattr(messages, f"{name}Response").FromString,
            )
            for name in ("ServerMetadata", "ModelMetadata", "ModelInfer")
        )

    def metadata(self) -> Told:
        """As the protocol says."""
        server = self._ask(self._server, messages.ServerMetadataRequest(), self._longest_s)
        model = self._ask(self._metadata, messages.ModelMetadataRequest(name=self._address.model), self._longest_s)
        inputs = [(one.name, one.datatype, list(one.shape)) for one in model.inputs]
        return Told(f"{server.name} {server.version}", model.platform, inputs)

    def infer(self, name: str, images: Images, timeout_s: float) -> list[NDArray[Any]]:
        """As the protocol says."""
        request = messages.ModelInferRequest(model_name=self._address.model)
        request.inputs.add(name=name, datatype="UINT8", shape=images.shape)
        request.raw_input_contents.append(images.tobytes())
        answer = self._ask(self._infer, request, timeout_s)
        try:
            return [_array(one, answer.raw_output_contents, place) for place, one in enumerate(answer.outputs)]
        except (KeyError, IndexError, ValueError) as failure:
            raise strange(self._address, [f"{one.datatype} {list(one.shape)}" for one in answer.outputs]) from failure

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def _ask(self, method: Callable[..., Any], request: Any, timeout_s: float) -> Any:
        try:
            return method(request, timeout=timeout_s)
        except grpc.RpcError as failure:
            code, details = failure.code(), failure.details() or ""
            if code is grpc.StatusCode.DEADLINE_EXCEEDED:
                raise late(timeout_s) from failure
            if code is grpc.StatusCode.UNAVAILABLE:
                raise unreachable(self._address, details) from failure
            raise RemoteFailedError(
                f"the inference server answered {code.name}: {details[:200]}",
                f"It was asked for model {self._address.model!r} at {self._address.host}.",
                "Look at its log; with another name there, give --engine remote:ADDRESS/NAME.",
            ) from failure
        except DecodeError as failure:
            raise strange(self._address, failure) from failure


def _array(one: Any, raw: Any, place: int) -> NDArray[Any]:
    dtype = DTYPES[one.datatype]
    if raw:
        return np.frombuffer(raw[place], dtype).reshape(one.shape)
    return np.array(getattr(one.contents, _TYPED[one.datatype]), dtype).reshape(one.shape)
