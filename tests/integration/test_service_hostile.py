"""Callers who mean no good, or know no better, at a real process: no 500, no hang, no leak, and it serves on."""

from __future__ import annotations

import base64
import json
import os
import random
import signal
import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from carpal.phantoms.dicom import dicom_bytes
from carpal.phantoms.drawing import draw
from carpal_detector.proto import open_inference_pb2 as messages

from .conftest import until

INFER = "/v2/models/tiny/infer"
# All that the description promises of answers. That every image of the right type is readable is none of it.
CHECKS = [
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
# How much more is tried in `make dependability` than in `make test`.
TIMES = 20 if os.environ.get("DEPENDABILITY") == "long" else 1
LIMITS = ("--header-timeout-s", "0.3", "--body-timeout-s", "0.5", "--max-body-bytes", "200000", "--drain-s", "5")


@pytest.fixture(scope="module")
def service(serve: Callable[..., Any], tiny_package: Path) -> Any:
    return serve("--model", str(tiny_package), *LIMITS)


@pytest.fixture(autouse=True)
def still_well(service: Any, grey_png: Callable[..., bytes]) -> Iterator[None]:
    """After each test it answers an image, has nothing in flight and has logged no defect."""
    yield
    answer = httpx.post(service.url + INFER, content=grey_png(), headers={"content-type": "image/png"}, timeout=60)
    assert answer.status_code == 200
    until(lambda: "carpal_requests_in_flight 0.0" in service.get("/metrics"))
    text = service.get("/metrics")
    assert "carpal_queue_bytes 0.0" in text
    assert 'code="500"' not in text
    assert "request failed" not in [event["event"] for event in service.events()]


def connect(service: Any) -> socket.socket:
    return socket.create_connection(("127.0.0.1", service.http), timeout=60)


def answered(connection: socket.socket) -> bytes:
    """Everything until the other side closes."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def head(*lines: str) -> bytes:
    return "\r\n".join([f"POST {INFER} HTTP/1.1", "host: x", "content-type: image/png", *lines, "", ""]).encode()


def test_a_hundred_slow_headers_are_closed_and_hold_nobody_up(service: Any, grey_png: Callable[..., bytes]):
    slow = [connect(service) for _ in range(100)]
    for one in slow:
        one.sendall(b"POST / HTTP/1.1\r\nx: ")
    answer = httpx.post(service.url + INFER, content=grey_png(), headers={"content-type": "image/png"}, timeout=60)
    assert answer.status_code == 200
    assert [answered(one) for one in slow] == [b""] * 100


def test_a_slow_body_is_answered_with_408_and_gives_its_bytes_back(service: Any):
    with connect(service) as caller:
        caller.sendall(head("content-length: 1000", "connection: close") + b"\x89PNG")
        answer = answered(caller)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b'"code":"request.slow"' in answer


def test_who_shuts_half_the_connection_has_gone(service: Any, grey_png: Callable[..., bytes]):
    with connect(service) as caller:
        caller.sendall(head(f"content-length: {len(grey_png())}") + grey_png()[:100])
        caller.shutdown(socket.SHUT_WR)
        answered(caller)


@pytest.mark.parametrize("sent", ["content-length", "chunked"])
def test_a_body_that_is_too_large_is_refused_and_never_held(service: Any, sent: str):
    with connect(service) as caller:
        if sent == "content-length":
            caller.sendall(head("content-length: 200001"))
        else:
            caller.sendall(head("transfer-encoding: chunked"))
            for _ in range(30):
                caller.sendall(b"2710\r\n" + b"x" * 10_000 + b"\r\n")
        answer = caller.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413")


def test_chunks_without_end_are_cut_off(service: Any):
    def send_for_ever(caller: socket.socket) -> None:
        begun = time.monotonic()
        while time.monotonic() - begun < 60:
            caller.sendall(b"4\r\naaaa\r\n" * 1000)
            time.sleep(0.01)

    with connect(service) as caller:
        caller.sendall(head("transfer-encoding: chunked"))
        with pytest.raises(OSError, match=r"Broken pipe|reset"):
            send_for_ever(caller)


def test_who_hangs_up_is_not_computed_for(
    serve: Callable[..., Any], tiny_package: Path, grey_png: Callable[..., bytes]
):
    slow = serve("--model", str(tiny_package), "--engine", "emulated:300", "--streams", "1")
    body = grey_png()
    callers = [connect(slow) for _ in range(4)]
    for one in callers:
        one.sendall(head(f"content-length: {len(body)}") + body)
    until(lambda: "carpal_queue_depth 3.0" in slow.get("/metrics"))
    for one in callers[1:]:
        one.close()
    until(
        lambda: 'carpal_requests_total{code="499",model="tiny",reason="request.cancelled"} 3.0' in slow.get("/metrics")
    )
    assert callers[0].recv(65536).startswith(b"HTTP/1.1 200")
    assert 'carpal_request_duration_seconds_count{model="tiny",stage="infer"} 1.0' in slow.get("/metrics")
    slow.process.send_signal(signal.SIGTERM)
    assert slow.wait() == 0


def bad_images(good: bytes) -> dict[str, bytes]:
    """Broken in ways that readers have met; the whole corpus is test_reading_corpora.py's."""
    header = struct.pack(">I", 2**31 - 1) * 2
    dicom = dicom_bytes(draw(1, 0, size_px=96), seed=1)
    rng = random.Random(6)
    flipped = {f"flipped {place}": bytearray(good) for place in rng.sample(range(len(good)), 12)}
    for name, body in flipped.items():
        body[int(name.split()[1])] ^= 0xFF
    return {
        "empty": b"",
        "text": b"hello",
        "gif": b"GIF89a\1\0\1\0\0\0\0;",
        "png of nothing": good[:8],
        "png of two billion columns": good[:16] + header + good[24:],
        "dicom of nothing": b"\0" * 128 + b"DICM",
        **{f"png cut at {share}": good[: len(good) * share // 10] for share in range(1, 10)},
        **{f"dicom cut at {share}": dicom[: len(dicom) * share // 10] for share in range(1, 10, 3)},
        **{name: bytes(body) for name, body in flipped.items()},
        **{f"noise {seed}": random.Random(seed).randbytes(500) for seed in range(5)},
    }


def test_no_broken_image_is_an_error_of_the_service_on_any_wire(service: Any, grey_png: Callable[..., bytes]):
    statuses = {}
    with (
        httpx.Client(base_url=service.url, timeout=60) as client,
        grpc.insecure_channel(f"127.0.0.1:{service.grpc}") as channel,
    ):
        infer = channel.unary_unary(
            "/inference.GRPCInferenceService/ModelInfer",
            request_serializer=messages.ModelInferRequest.SerializeToString,
            response_deserializer=messages.ModelInferResponse.FromString,
        )
        for name, body in bad_images(grey_png(40, 40)).items():
            tensor = {"name": "image", "shape": [1], "datatype": "BYTES", "data": [base64.b64encode(body).decode()]}
            answers = [client.post(INFER, content=body), client.post(INFER, json={"inputs": [tensor]})]
            request = messages.ModelInferRequest(model_name="tiny")
            request.inputs.add(name="image", datatype="BYTES", shape=[1]).contents.bytes_contents.append(body)
            try:
                infer(request, timeout=60)
                code = "OK"
            except grpc.RpcError as failure:
                code = failure.code().name
            statuses[name] = (*[answer.status_code for answer in answers], code)
    assert {one for name in statuses.values() for one in name[:2]} <= {200, 413, 415, 422}
    assert {name[2] for name in statuses.values()} <= {"OK", "INVALID_ARGUMENT", "RESOURCE_EXHAUSTED"}
    assert all((answer[0] == 200) == (answer[1] == 200) == (answer[2] == "OK") for answer in statuses.values())


@pytest.mark.timeout(180 * TIMES)
def test_no_bytes_are_an_error_of_the_service_over_grpc(service: Any, grey_png: Callable[..., bytes]):
    """Messages that are cut, mixed up or nonsense: a status each, and never INTERNAL of ours."""
    request = messages.ModelInferRequest(model_name="tiny")
    request.inputs.add(name="image", datatype="BYTES", shape=[1]).contents.bytes_contents.append(grey_png(8, 8))
    good, rng = request.SerializeToString(), random.Random(7)
    with grpc.insecure_channel(f"127.0.0.1:{service.grpc}") as channel:
        infer = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        codes, words = set(), []
        for _ in range(150 * TIMES):
            body = bytearray(good)
            for _ in range(rng.randint(1, 6)):
                body[rng.randrange(len(body))] = rng.randrange(256)
            try:
                infer(bytes(body[: rng.randint(1, len(body))]), timeout=60)
            except grpc.RpcError as failure:
                codes.add(failure.code())
                words.append(failure.details() or "")
    assert not codes & {grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL}
    assert words


JSON_PARTS = [None, True, -1, 0, 1e308, 2**63, "", "BYTES", "pixels", [], {}, [[]], [None], {"a": 1}, ["YQ=="], [1, 2]]


@pytest.mark.timeout(180 * TIMES)
def test_no_json_is_an_error_of_the_service(service: Any):
    rng = random.Random(8)
    with httpx.Client(base_url=service.url, timeout=60) as client:
        for _ in range(250 * TIMES):
            tensor = {key: rng.choice(JSON_PARTS) for key in ("name", "shape", "datatype", "data", "parameters")}
            tensor |= rng.choice([{}, {"name": "pixels", "datatype": "FP32"}, {"name": "image", "datatype": "BYTES"}])
            document = {key: rng.choice(JSON_PARTS) for key in ("id", "parameters", "outputs") if rng.random() < 0.5}
            document["inputs"] = rng.choice([[tensor], [tensor], [tensor, tensor], rng.choice(JSON_PARTS)])
            for path in (INFER, "/v1/models/tiny:predict"):
                answer = client.post(path, content=json.dumps(document), headers={"content-type": "application/json"})
                assert 400 <= answer.status_code < 500, (document, answer.text)
        for deep in (b"[" * 100_000, b'{"inputs":' * 900 + b"1" + b"}" * 900, b'{"a":1,"a":2}', b"\xff\xfe{}"):
            assert client.post(INFER, content=deep, headers={"content-type": "application/json"}).status_code == 400


@pytest.mark.timeout(180 * TIMES)
def test_the_description_holds_for_whatever_schemathesis_thinks_of(service: Any):
    """Seeded and bounded; every answer is held to the description: status, type, headers and schema."""
    schema = schemathesis.openapi.from_url(f"{service.url}/openapi.json")
    seen: list[int] = []
    for result in schema.get_all_operations():

        @seed(6)
        @settings(
            max_examples=8 * TIMES,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=result.ok().as_strategy())
        def ask(case: Any) -> None:
            answer = case.call(base_url=service.url, timeout=60)
            seen.append(answer.status_code)
            # A deadline of no time at all is one that has passed: that is no defect of the server.
            defects = [] if answer.status_code == 504 else [not_a_server_error]
            case.validate_response(answer, checks=[*CHECKS, *defects])

        ask()
    assert len(seen) > 50
    assert 500 not in seen


def test_two_thousand_idle_connections_hold_nobody_up(serve: Callable[..., Any], tiny_package: Path, grey_png):
    calm = serve("--model", str(tiny_package), "--engine", "emulated:0", "--header-timeout-s", "60")
    idle = [connect(calm) for _ in range(2000)]
    answer = httpx.post(calm.url + INFER, content=grey_png(), headers={"content-type": "image/png"}, timeout=60)
    assert answer.status_code == 200
    status = Path(f"/proc/{calm.process.pid}/status").read_text()
    assert int(status.partition("Threads:")[2].split()[0]) < 100  # none for each connection
    for one in idle:
        one.close()
    calm.process.send_signal(signal.SIGTERM)
    assert calm.wait() == 0
