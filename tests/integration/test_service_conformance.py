"""The same requests to ``carpal serve`` and to the server of KServe's SDK, and their answers compared field by field.

The model behind both is the same package; the SDK serves it through ``carpal_detector.kserve_adapter``. Where the SDK's
server is known to fail, DEFECTS says how, and the test holds that it still does: when it no longer does, drop the line.
"""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pytest

from carpal_detector.proto import open_inference_pb2 as messages

from .conftest import stop, until

V1, V2 = "/v1/models/tiny:predict", "/v2/models/tiny/infer"
PIXELS = np.full((1, 1, 64, 64), 20, np.uint8)
PIXELS[0, 0, 8:16, 16:24] = 255
FLOATS = (PIXELS / 255.0).astype(np.float32)
# Request to what the SDK's server (0.21.0) does with it.
DEFECTS = {
    "a BYTES tensor as binary": 500,  # it reads image bytes as UTF-8
    "a version that is served": 501,  # versions are not supported
    "metadata of a version": 501,
    "pixels of another shape": 500,  # nothing compares them with the metadata
    "two inputs": 500,
    "an empty list of inputs": 500,
    "a body that is no JSON": 422,  # in another shape than its other errors
}


@dataclass
class Asked:
    """One request, and what of the answer must be the same."""

    method: str
    path: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200


def as_json(path: str, status: int = 200, **document: Any) -> Asked:
    return Asked("POST", path, json.dumps(document).encode(), {"content-type": "application/json"}, status)


def tensor(name: str, datatype: str, shape: list[int], **more: Any) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape, **more}


def as_bytes(raw: bytes, given: dict[str, Any], **more: Any) -> Asked:
    head = json.dumps({"inputs": [given | {"parameters": {"binary_data_size": len(raw)}}], **more}).encode()
    headers = {"content-type": "application/octet-stream", "inference-header-content-length": str(len(head))}
    return Asked("POST", V2, head + raw, headers)


def requests(png: bytes) -> dict[str, Asked]:
    text = base64.b64encode(png).decode()
    image, shape = tensor("image", "BYTES", [1], data=[text]), [1, 1, 64, 64]
    arrays = [{"name": name} for name in ("boxes", "scores", "classes", "counts")]
    pixels = tensor("pixels", "UINT8", shape, data=PIXELS.ravel().tolist())
    return {
        "the server lives": Asked("GET", "/v2/health/live"),
        "models of v1": Asked("GET", "/v1/models"),
        "models of v2": Asked("GET", "/v2/models"),
        "the model of v1": Asked("GET", "/v1/models/tiny"),
        "the model is ready": Asked("GET", "/v2/models/tiny/ready"),
        "metadata": Asked("GET", "/v2/models/tiny"),
        "metadata of a version": Asked("GET", "/v2/models/tiny/versions/1"),
        "a model that there is not": Asked("GET", "/v2/models/other", status=404),
        "inference of a model that there is not": as_json("/v2/models/other/infer", 404, inputs=[image]),
        "instances": as_json(V1, instances=[{"b64": text, "name": "wrist"}, {"b64": text}]),
        "a plain image by v1": Asked("POST", V1, png, {"content-type": "image/png"}),
        "a BYTES tensor as JSON": as_json(V2, inputs=[image], id="7"),
        "several outputs": as_json(V2, inputs=[image], outputs=[{"name": "record"}, *arrays]),
        "a threshold": as_json(V2, inputs=[image], outputs=arrays, parameters={"threshold": 0.9}),
        "UINT8 as JSON": as_json(V2, inputs=[pixels], outputs=arrays),
        "FP32 as JSON": as_json(
            V2, inputs=[tensor("pixels", "FP32", shape, data=FLOATS.ravel().tolist())], outputs=arrays
        ),
        "UINT8 as binary": as_bytes(PIXELS.tobytes(), tensor("pixels", "UINT8", shape), outputs=arrays),
        "FP32 as binary": as_bytes(FLOATS.tobytes(), tensor("pixels", "FP32", shape), outputs=arrays),
        "a BYTES tensor as binary": as_bytes(len(png).to_bytes(4, "little") + png, tensor("image", "BYTES", [1])),
        "a version that is served": as_json("/v2/models/tiny/versions/1/infer", inputs=[image]),
        "an image that is none": as_json(
            V2, 415, inputs=[tensor("image", "BYTES", [1], data=[base64.b64encode(b"GIF89a").decode()])]
        ),
        "pixels of another shape": as_json(V2, 400, inputs=[tensor("pixels", "UINT8", [1, 4], data=[1, 2, 3, 4])]),
        "two inputs": as_json(V2, 400, inputs=[image, pixels]),
        "an unknown datatype": as_json(V2, 400, inputs=[tensor("pixels", "UINT7", shape, data=[0])]),
        "an output that there is not": as_json(V2, 400, inputs=[image], outputs=[{"name": "heads"}]),
        "an empty list of inputs": as_json(V2, 400, inputs=[]),
        "a body that is no JSON": Asked("POST", V2, b"{", {"content-type": "application/json"}, 400),
    }


NAMES = list(requests(b""))


@pytest.fixture(scope="module")
def png(grey_png: Callable[..., bytes]) -> bytes:
    return grey_png()


@pytest.fixture(scope="module")
def sdk(tiny_package: Path, tmp_path_factory: pytest.TempPathFactory):
    """REST and gRPC addresses of the SDK's own server."""
    ports = []
    for _ in range(2):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            ports.append(free.getsockname()[1])
    log = tmp_path_factory.mktemp("sdk") / "log"
    command = [sys.executable, "-m", "carpal_detector.kserve_adapter", "--model", str(tiny_package)]
    command += ["--http_port", str(ports[0]), "--grpc_port", str(ports[1])]
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream)
    url = f"http://127.0.0.1:{ports[0]}"

    def ready() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            return httpx.get(f"{url}/v2/models/tiny/ready", timeout=60).status_code == 200
        except httpx.TransportError:
            return False

    until(ready)
    yield url, f"127.0.0.1:{ports[1]}"
    stop(process)


def ask(url: str, asked: Asked) -> httpx.Response:
    return httpx.request(asked.method, url + asked.path, content=asked.body, headers=asked.headers, timeout=60)


def comparable(value: Any) -> Any:
    """What must be the same: everything but times, which no two runs share, and what only one of the two has to say."""
    if isinstance(value, str) and value.startswith('{"schema"'):
        return comparable(json.loads(value))
    if isinstance(value, dict):
        own = ("timings", "platform", "parameters", "queue_ms")
        return {key: comparable(part) for key, part in value.items() if key not in own and part not in (None, "", [])}
    if isinstance(value, list):
        return [comparable(part) for part in value]
    return round(value, 4) if isinstance(value, float) else value


@pytest.mark.parametrize("name", NAMES)
def test_both_servers_give_the_same_answer(tiny_service: Any, sdk: tuple[str, str], png: bytes, name: str):
    asked = requests(png)[name]
    ours, theirs = ask(tiny_service.url, asked), ask(sdk[0], asked)
    assert ours.status_code == asked.status, ours.text
    if name in DEFECTS:
        assert theirs.status_code == DEFECTS[name], theirs.text
    elif asked.status == 200:
        assert theirs.status_code == 200, theirs.text
        left, right = comparable(ours.json()), comparable(theirs.json())
        if name.startswith(("the model", "the server", "metadata")):
            left = {key: value for key, value in left.items() if key in right} if isinstance(right, dict) else left
            right = {key: value for key, value in right.items() if key != "versions"}
            left.pop("versions", None)
        assert left == right
    else:
        assert 400 <= theirs.status_code < 500, theirs.text
        assert isinstance(ours.json()["error"], str)
        assert isinstance(theirs.json()["error"], str)


@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize("kind", ["image", "UINT8", "FP32"])
def test_both_servers_give_the_same_answer_over_grpc(
    tiny_service: Any, sdk: tuple[str, str], png: bytes, kind: str, raw: bool
):
    request = messages.ModelInferRequest(model_name="tiny", id="7")
    if kind == "image":
        given, data = (
            request.inputs.add(name="image", datatype="BYTES", shape=[1]),
            len(png).to_bytes(4, "little") + png,
        )
    else:
        array = PIXELS if kind == "UINT8" else FLOATS
        given, data = request.inputs.add(name="pixels", datatype=kind, shape=array.shape), array.tobytes()
    if raw:
        request.raw_input_contents.append(data)
    elif kind == "image":
        given.contents.bytes_contents.append(png)
    else:
        getattr(given.contents, "uint_contents" if kind == "UINT8" else "fp32_contents").extend(array.ravel().tolist())
    answers = []
    for address in (f"127.0.0.1:{tiny_service.grpc}", sdk[1]):
        with grpc.insecure_channel(address) as channel:
            infer = channel.unary_unary(
                "/inference.GRPCInferenceService/ModelInfer",
                request_serializer=messages.ModelInferRequest.SerializeToString,
                response_deserializer=messages.ModelInferResponse.FromString,
            )
            answers.append(infer(request, timeout=60))
    records = [
        json.loads(
            answer.raw_output_contents[0][4:]
            if answer.raw_output_contents
            else answer.outputs[0].contents.bytes_contents[0]
        )
        for answer in answers
    ]
    assert comparable(records[0]) == comparable(records[1])
    assert [answer.id for answer in answers] == ["7", "7"]
    assert [list(answer.outputs[0].shape) for answer in answers] == [[1], [1]]
