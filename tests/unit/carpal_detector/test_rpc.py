"""gRPC on a real channel: the protocol's methods by their full names, and failures as statuses."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from carpal.records.record import Record
from carpal_detector.errors import PortInUseError
from carpal_detector.lifecycle import Phase
from carpal_detector.proto import open_inference_pb2 as messages
from carpal_detector.rpc import open_server
from carpal_detector.service import Service
from carpal_detector.sockets import listen, port_of

Call = Callable[..., Any]


@pytest.fixture
async def call(service: Service) -> AsyncIterator[Call]:
    """``await call("ServerLive", ...)`` on a server of its own."""
    server, port = await open_server(service.rpc, "127.0.0.1", 0, max_message_bytes=200_000)
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:

        def method(name: str, request: Any = None, **options: Any) -> Any:
            stub = channel.unary_unary(
                f"/inference.GRPCInferenceService/{name}",
                request_serializer=getattr(messages, f"{name}Request").SerializeToString,
                response_deserializer=getattr(messages, f"{name}Response").FromString,
            )
            return stub(request or getattr(messages, f"{name}Request")(), **options)

        yield method
    await server.stop(None)


def request(*images: bytes, model: str = "tiny") -> Any:
    made = messages.ModelInferRequest(model_name=model, id="7")
    made.inputs.add(name="image", datatype="BYTES", shape=[len(images)]).contents.bytes_contents.extend(images)
    return made


async def test_the_server_and_the_model_say_that_they_are_ready(call: Call):
    assert (await call("ServerLive")).live
    assert (await call("ServerReady")).ready
    assert (await call("ModelReady", messages.ModelReadyRequest(name="tiny", version="1"))).ready


async def test_metadata_say_what_rest_says(call: Call):
    assert (await call("ServerMetadata")).name == "carpal-detector"
    told = await call("ModelMetadata", messages.ModelMetadataRequest(name="tiny"))
    assert (told.versions, told.platform) == (["1"], "carpal_onnxruntime")
    assert [(one.name, one.datatype, list(one.shape)) for one in told.inputs] == [
        ("image", "BYTES", [-1]),
        ("pixels", "UINT8", [-1, 1, 64, 64]),
    ]


async def test_an_image_is_answered_with_its_record(call: Call, grey_png: Callable[..., bytes]):
    answer = await call("ModelInfer", request(grey_png(), grey_png(seed=1)))
    assert (answer.id, answer.model_version) == ("7", "1")
    records = [Record.parse_json(one, source="test") for one in answer.outputs[0].contents.bytes_contents]
    assert [record.source.width_px for record in records] == [80, 80]


@pytest.mark.parametrize(
    ("made", "status", "code"),
    [
        (request(b"GIF89a"), grpc.StatusCode.INVALID_ARGUMENT, "image.not-an-image"),
        (request(b"", model="other"), grpc.StatusCode.NOT_FOUND, "request.unknown-model"),
        (request(), grpc.StatusCode.INVALID_ARGUMENT, "request.tensor"),
        (request(*[b""] * 9), grpc.StatusCode.RESOURCE_EXHAUSTED, "request.too-large"),
    ],
)
async def test_a_failure_is_a_status_with_its_code(call: Call, made: Any, status: grpc.StatusCode, code: str):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call("ModelInfer", made, metadata=(("x-request-id", "7"),))
    assert caught.value.code() is status
    assert caught.value.details().startswith(f"[{code}]")
    assert dict(caught.value.trailing_metadata()) == {"carpal-code": code, "x-request-id": "7"}


async def test_the_unforeseen_is_internal_and_tells_nothing_of_the_inside(
    call: Call, service: Service, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(service.lifecycle, "model", None)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call("ModelInfer", request(b""))
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert "NoneType" not in caught.value.details()
    assert '"type": "TypeError"' in log.getvalue()


@pytest.mark.parametrize("options", [{"timeout": 0.1}, {"metadata": (("x-request-deadline-ms", "20"),)}])
async def test_a_deadline_that_passes_in_the_queue_is_deadline_exceeded(
    call: Call, service: Service, grey_png: Callable[..., bytes], options: dict[str, Any]
):
    gate = threading.Event()
    held = asyncio.create_task(service.scheduler.run([lambda ms: gate.wait(20)] * 2))
    await asyncio.sleep(0)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call("ModelInfer", request(grey_png()), **options)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    gate.set()
    await held


async def test_a_deadline_that_would_pass_in_the_queue_is_refused_at_once(
    call: Call, service: Service, grey_png: Callable[..., bytes]
):
    gate = threading.Event()
    asyncio.get_running_loop().call_later(0.3, gate.set)
    await service.scheduler.run([lambda ms: gate.wait(20)])
    gate.clear()
    held = asyncio.create_task(service.scheduler.run([lambda ms: gate.wait(20)] * 2))
    await asyncio.sleep(0)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call("ModelInfer", request(grey_png()), timeout=0.25)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    trailing = dict(caught.value.trailing_metadata())
    assert (trailing["carpal-code"], int(trailing["retry-after"])) == ("service.wait-too-long", 1)
    gate.set()
    await held


async def test_health_checks_and_those_who_watch_them_are_told(service: Service):
    server, port = await open_server(service.rpc, "127.0.0.1", 0, max_message_bytes=200_000)
    await server.start()
    await service.rpc.tell_health()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        for name in ("", "tiny", "inference.GRPCInferenceService"):
            answer = await stub.Check(health_pb2.HealthCheckRequest(service=name))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        watch = stub.Watch(health_pb2.HealthCheckRequest(service="tiny"))
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        service.lifecycle.phase = Phase.LINGERING
        await service.rpc.tell_health()
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        watch.cancel()
    await server.stop(None)


async def test_reflection_names_the_services(service: Service):
    server, port = await open_server(service.rpc, "127.0.0.1", 0, max_message_bytes=200_000)
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        asked = reflection_pb2.ServerReflectionRequest(list_services="")
        (answer,) = [one async for one in stub.ServerReflectionInfo(iter([asked]))]
    assert {"inference.GRPCInferenceService", "grpc.health.v1.Health"} <= {
        one.name for one in answer.list_services_response.service
    }
    await server.stop(None)


async def test_a_message_above_the_limit_is_refused(call: Call):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call("ModelInfer", request(b"x" * 200_001))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_requests_are_counted_as_those_of_rest_are(call: Call, service: Service, grey_png: Callable[..., bytes]):
    await call("ModelInfer", request(grey_png()))
    service.metrics.refresh()
    count = service.metrics.registry.get_sample_value(
        "carpal_requests_total", {"model": "tiny", "code": "200", "reason": "ok"}
    )
    assert count == 1


async def test_a_taken_port_is_an_error_with_a_remedy(service: Service):
    taken = listen("127.0.0.1", 0, option="--port")
    with pytest.raises(PortInUseError, match="--grpc-port"):
        await open_server(service.rpc, "127.0.0.1", port_of(taken), max_message_bytes=1000)
    taken.close()


async def test_every_extension_that_is_announced_answers(call: Call, grey_png: Callable[..., bytes]):
    announced = (await call("ServerMetadata")).extensions
    assert {"statistics", "model_configuration"} <= set(announced)
    await call("ModelInfer", request(grey_png()))
    for name in ("tiny", ""):
        (stats,) = (await call("ModelStatistics", messages.ModelStatisticsRequest(name=name))).model_stats
        assert (stats.name, stats.inference_stats.success.count) == ("tiny", 1)
        assert stats.inference_stats.compute_infer.ns > 0
        assert stats.last_inference > 1_600_000_000_000  # milliseconds of the year 2020
    config = (await call("ModelConfig", messages.ModelConfigRequest(name="tiny"))).config
    assert (config.name, config.backend, config.max_batch_size) == ("tiny", "carpal", 0)
    assert (config.input[0].name, config.input[0].data_type) == ("image", messages.TYPE_STRING)
    assert [one.name for one in config.output]


@pytest.mark.parametrize("method", ["ModelStatistics", "ModelConfig"])
async def test_an_extension_asked_for_a_model_that_is_not_there_is_not_found(call: Call, method: str):
    asked = getattr(messages, f"{method}Request")
    for made in (asked(name="other"), asked(name="tiny", version="9")):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(method, made)
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_an_error_holds_no_more_than_an_excerpt_of_the_request(call: Call):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call("ModelInfer", request(b"x", model="QUJD" * 10_000))
    assert len(caught.value.details()) < 2000


@pytest.mark.parametrize("part", ["name", "datatype", "output", "timeout", "formats", "threshold", "key"])
async def test_an_error_holds_only_a_few_characters_of_any_part_of_the_request(call: Call, part: str):
    made, text = request(b"x"), "QUJD" * 10_000
    if part in ("name", "datatype"):
        setattr(made.inputs[0], part, text)
    elif part == "output":
        made.outputs.add(name=text)
    else:
        made.parameters[text if part == "key" else part].string_param = text
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call("ModelInfer", made)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert len(caught.value.details()) < 1000
    assert text[:100] not in caught.value.details()
