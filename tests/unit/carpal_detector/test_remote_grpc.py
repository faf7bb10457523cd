"""The protocol over gRPC, against a server that answers what a test tells it to; real ones: test_service_remote.py."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import numpy as np
import pytest

from carpal.engines.errors import RemoteFailedError, RemoteLateError, RemoteUnreachableError
from carpal.engines.remote import Address
from carpal_detector.proto import open_inference_pb2 as messages
from carpal_detector.remote_grpc import SERVICE, GrpcExchange

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 1, 64, 64)).astype(np.uint8)
HEADS = np.random.default_rng(1).random((2, 6, 64)).astype(np.float32)


class Methods:
    """Metadata, and inference as ``answer`` says; notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, float]] = []
        self.answer: Any = raw

    def server(self, _request: Any, _context: Any) -> Any:
        return messages.ServerMetadataResponse(name="numpy", version="2")

    def model(self, request: Any, context: Any) -> Any:
        if request.name != "tiny":
            context.abort(grpc.StatusCode.NOT_FOUND, "no such model")
        said = messages.ModelMetadataResponse(name="tiny", platform="numpy")
        said.inputs.add(name="images", datatype="UINT8", shape=[-1, 1, 64, 64])
        return said

    def infer(self, request: Any, context: Any) -> Any:
        self.asked.append((request, context.time_remaining()))
        return self.answer(context)


def raw(_context: Any) -> Any:
    said = messages.ModelInferResponse(raw_output_contents=[HEADS.tobytes()])
    said.outputs.add(name="head", datatype="FP32", shape=HEADS.shape)
    return said


def typed(_context: Any) -> Any:
    said = messages.ModelInferResponse()
    said.outputs.add(name="head", datatype="FP32", shape=HEADS.shape).contents.fp32_contents.extend(HEADS.ravel())
    return said


def another_type(_context: Any) -> Any:
    said = messages.ModelInferResponse(raw_output_contents=[b"12345678"])
    said.outputs.add(name="head", datatype="INT64", shape=[1])
    return said


def too_little(_context: Any) -> Any:
    said = messages.ModelInferResponse(raw_output_contents=[b"1234"])
    said.outputs.add(name="head", datatype="FP32", shape=[2])
    return said


@pytest.fixture
def methods() -> Methods:
    return Methods()


@pytest.fixture
def exchange(methods: Methods) -> Iterator[GrpcExchange]:
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            method,
            request_deserializer=getattr(messages, f"{name}Request").FromString,
            response_serializer=getattr(messages, f"{name}Response").SerializeToString,
        )
        for name, method in (
            ("ServerMetadata", methods.server), ("ModelMetadata", methods.model), ("ModelInfer", methods.infer),
        )
    }  # fmt: skip
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    exchange = GrpcExchange(Address("grpc", f"127.0.0.1:{port}", "tiny"), longest_s=5.0)
    yield exchange
    exchange.close()
    server.stop(0)


def test_metadata_names_server_platform_and_inputs(exchange: GrpcExchange):
    told = exchange.metadata()
    assert (told.server, told.platform, list(told.inputs)) == (
        "numpy 2",
        "numpy",
        [("images", "UINT8", [-1, 1, 64, 64])],
    )


@pytest.mark.parametrize("answer", [raw, typed])
def test_pixels_go_as_bytes_and_heads_come_back(methods: Methods, exchange: GrpcExchange, answer: Any):
    methods.answer = answer
    (heads,) = exchange.infer("images", IMAGES, 3.0)
    assert np.array_equal(heads, HEADS)
    request, left_s = methods.asked[0]
    assert (request.model_name, request.inputs[0].name, list(request.inputs[0].shape)) == (
        "tiny",
        "images",
        [2, 1, 64, 64],
    )
    assert request.raw_input_contents[0] == IMAGES.tobytes()
    assert 2 < left_s <= 3.01


@pytest.mark.parametrize("answer", [another_type, too_little])
def test_what_is_no_head_is_a_failure(methods: Methods, exchange: GrpcExchange, answer: Any):
    methods.answer = answer
    with pytest.raises(RemoteFailedError, match="cannot be read"):
        exchange.infer("images", IMAGES, 3.0)


def test_an_error_is_passed_on_in_the_servers_words(methods: Methods, exchange: GrpcExchange):
    methods.answer = lambda context: context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no such input")
    with pytest.raises(RemoteFailedError, match="INVALID_ARGUMENT: no such input"):
        exchange.infer("images", IMAGES, 3.0)


def test_no_answer_in_time_is_late(methods: Methods, exchange: GrpcExchange):
    methods.answer = lambda context: context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "")
    with pytest.raises(RemoteLateError, match="3000 ms"):
        exchange.infer("images", IMAGES, 3.0)


def test_a_model_that_is_not_there_is_named(exchange: GrpcExchange):
    other = GrpcExchange(Address("grpc", exchange._address.host, "other"), longest_s=5.0)
    with pytest.raises(RemoteFailedError, match="no such model"):
        other.metadata()
    other.close()


@pytest.mark.parametrize("scheme", ["grpc", "grpcs"])
def test_nobody_at_the_address_is_unreachable(scheme: str):
    exchange = GrpcExchange(Address(scheme, "127.0.0.1:1", "tiny"), longest_s=5.0)
    with pytest.raises(RemoteUnreachableError, match=r"127\.0\.0\.1:1"):
        exchange.metadata()
    exchange.close()
