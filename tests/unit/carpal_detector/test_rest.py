"""REST as a caller meets it, on the real layers, without a socket."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from carpal.records.record import Record
from carpal_detector.lifecycle import Lifecycle, Phase
from carpal_detector.service import Service
from carpal_detector.settings import Settings

INFER = "/v2/models/tiny/infer"
PREDICT = "/v1/models/tiny:predict"


def tensors(*images: bytes, **parts: Any) -> dict[str, Any]:
    data = [base64.b64encode(image).decode() for image in images]
    return {"inputs": [{"name": "image", "shape": [len(data)], "datatype": "BYTES", "data": data}]} | parts


def record_of(text: bytes | str) -> Record:
    return Record.parse_json(text if isinstance(text, bytes) else text.encode(), source="the answer")


async def test_an_image_is_answered_with_its_record(client: httpx.AsyncClient, grey_png: Callable[..., bytes]):
    headers = {"Content-Type": "image/png", "X-Carpal-Name": "wrist", "X-Request-Id": "7"}
    answer = await client.post(INFER, content=grey_png(), headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"] == "7"
    record = record_of(answer.content)
    assert (record.source.name, record.model.name, record.source.width_px) == ("wrist", "tiny", 80)
    assert record.findings[0].label == "fracture"


@pytest.mark.parametrize("headers", [{"Content-Type": "application/octet-stream"}, {}])
async def test_a_body_that_says_nothing_of_itself_is_looked_at(
    client: httpx.AsyncClient, grey_png: Callable[..., bytes], headers: dict[str, str]
):
    assert record_of((await client.post(INFER, content=grey_png(), headers=headers)).content).source.width_px == 80


async def test_a_jpeg_is_taken_as_well(client: httpx.AsyncClient, grey_png: Callable[..., bytes]):
    pixels = cv2.imdecode(np.frombuffer(grey_png(bits=8), np.uint8), cv2.IMREAD_GRAYSCALE)
    body = cv2.imencode(".jpg", pixels)[1].tobytes()
    answer = await client.post(INFER, content=body, headers={"Content-Type": "image/jpeg"})
    assert record_of(answer.content).source.media_type == "image/jpeg"


async def test_the_query_of_an_image_holds_the_options(client: httpx.AsyncClient, grey_png: Callable[..., bytes]):
    headers = {"Content-Type": "image/png"}
    one = await client.post(f"{INFER}?max_findings=1&threshold=0.2", content=grey_png(), headers=headers)
    assert len(record_of(one.content).findings) == 1
    wrong = await client.post(f"{INFER}?max_finding=1", content=grey_png(), headers=headers)
    assert wrong.status_code == 400
    assert "max_findings" in wrong.json()["error"]


async def test_tensors_are_answered_with_tensors(client: httpx.AsyncClient, grey_png: Callable[..., bytes]):
    images = (grey_png(), grey_png(seed=1))
    outputs = [{"name": "record"}, {"name": "counts"}]
    answer = (await client.post(INFER, json=tensors(*images, id="7", outputs=outputs))).json()
    assert (answer["id"], answer["model_name"], answer["model_version"]) == ("7", "tiny", "1")
    records = [record_of(text) for text in answer["outputs"][0]["data"]]
    assert answer["outputs"][1]["data"] == [len(record.findings) for record in records]


async def test_the_version_may_be_named(client: httpx.AsyncClient, grey_png: Callable[..., bytes]):
    path = "/v2/models/tiny/versions/1/infer"
    assert (await client.post(path, json=tensors(grey_png()))).status_code == 200
    assert (await client.post(path.replace("/1/", "/2/"), json=tensors(grey_png()))).status_code == 404


async def test_bytes_in_and_bytes_out(client: httpx.AsyncClient, grey_png: Callable[..., bytes]):
    image = grey_png()
    raw = len(image).to_bytes(4, "little") + image
    head = (
        b'{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":%d}}],'
        b'"parameters":{"binary_data_output":true}}' % len(raw)
    )
    headers = {"Inference-Header-Content-Length": str(len(head)), "Content-Type": "application/octet-stream"}
    answer = await client.post(INFER, content=head + raw, headers=headers)
    length = int(answer.headers["inference-header-content-length"])
    assert record_of(answer.content[length + 4 :]).source.width_px == 80


async def test_v1_instances_become_predictions(client: httpx.AsyncClient, grey_png: Callable[..., bytes]):
    instance = {"b64": base64.b64encode(grey_png()).decode(), "name": "wrist"}
    answer = await client.post(PREDICT, json={"instances": [instance, instance], "parameters": {"max_findings": 1}})
    names = [prediction["source"]["name"] for prediction in answer.json()["predictions"]]
    assert names == ["wrist", "wrist"]


async def test_pixels_travel_as_json_and_as_bytes_to_the_same_findings(client: httpx.AsyncClient):
    pixels = np.full((2, 1, 64, 64), 20, np.uint8)
    pixels[:, 0, 8:16, 16:24] = 255
    found = []
    for datatype, values in (("UINT8", pixels), ("FP32", (pixels / 255.0).astype(np.float32))):
        tensor = {"name": "pixels", "shape": list(pixels.shape), "datatype": datatype}
        asked = {"inputs": [tensor | {"data": values.ravel().tolist()}], "outputs": [{"name": "boxes"}]}
        found.append((await client.post(INFER, json=asked)).json()["outputs"][0]["data"])
        asked["inputs"] = [tensor | {"parameters": {"binary_data_size": values.nbytes}}]
        head = json.dumps(asked).encode()
        headers = {"Inference-Header-Content-Length": str(len(head)), "Content-Type": "application/octet-stream"}
        answer = await client.post(INFER, content=head + values.tobytes(), headers=headers)
        found.append(answer.json()["outputs"][0]["data"])
    assert found[0][:4] == [16, 8, 24, 16]
    assert found == [found[0]] * 4


async def test_formats_come_beside_the_record_where_they_are_asked_for(
    client: httpx.AsyncClient, grey_png: Callable[..., bytes]
):
    headers = {"Content-Type": "image/png"}
    plain = (await client.post(f"{INFER}?formats=sr,fhir-r4", content=grey_png(), headers=headers)).json()
    assert plain["record"]["schema"] == "carpal.record/v1"
    assert base64.b64decode(plain["formats"]["sr"])[128:132] == b"DICM"
    assert plain["formats"]["fhir-r4"]["resourceType"] == "Bundle"
    instance = {"b64": base64.b64encode(grey_png()).decode()}
    v1 = (await client.post(PREDICT, json={"instances": [instance], "parameters": {"formats": "fhir-r4"}})).json()
    assert list(v1["predictions"][0]["formats"]) == ["fhir-r4"]
    v2 = (await client.post(INFER, json=tensors(grey_png(), parameters={"formats": "sr"}))).json()
    assert [output["name"] for output in v2["outputs"]] == ["record", "sr"]
    assert base64.b64decode(v2["outputs"][1]["data"][0])[128:132] == b"DICM"


async def test_statistics_are_those_that_tritons_clients_read(
    client: httpx.AsyncClient, grey_png: Callable[..., bytes]
):
    await client.post(INFER, json=tensors(grey_png(), grey_png(seed=1)))
    (stats,) = (await client.get("/v2/models/tiny/stats")).json()["model_stats"]
    assert (stats["name"], stats["version"], stats["inference_count"]) == ("tiny", "1", 2)
    assert stats["inference_stats"]["success"]["count"] == 1


async def test_the_configuration_has_types_and_shapes_in_tritons_words(client: httpx.AsyncClient):
    answer = (await client.get("/v2/models/tiny/config")).json()
    assert answer["input"][1] == {"name": "pixels", "data_type": "TYPE_UINT8", "dims": [-1, 1, 64, 64]}
    assert answer["max_batch_size"] == 0


async def test_v1_takes_an_image_as_one_instance(client: httpx.AsyncClient, grey_png: Callable[..., bytes]):
    answer = await client.post(PREDICT, content=grey_png(), headers={"Content-Type": "image/png"})
    assert len(answer.json()["predictions"]) == 1


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"", {"Content-Type": "image/png"}, 422, "image.empty"),
        (b"GIF89a", {}, 415, "image.not-an-image"),
        (b"{", {"Content-Type": "application/json"}, 400, "request.malformed"),
        (b'{"inputs":[]}', {}, 400, "request.malformed"),
        (b"a,b", {"Content-Type": "text/csv"}, 415, "request.media-type"),
        (b"a", {"Content-Encoding": "gzip"}, 415, "request.media-type"),
        (b"a", {"X-Request-Deadline-Ms": "soon"}, 400, "request.malformed"),
        (b"a", {"Inference-Header-Content-Length": "x"}, 400, "request.malformed"),
    ],
)
async def test_a_bad_request_is_answered_with_its_own_status_and_code(
    client: httpx.AsyncClient, body: bytes, headers: dict[str, str], status: int, code: str
):
    answer = await client.post(INFER, content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["remedy"]


async def test_a_truncated_image_is_422(client: httpx.AsyncClient, grey_png: Callable[..., bytes]):
    answer = await client.post(INFER, content=grey_png()[:-200], headers={"Content-Type": "image/png"})
    assert (answer.status_code, answer.json()["code"]) == (422, "image.truncated")


async def test_an_image_of_another_type_than_it_says_is_415(client: httpx.AsyncClient, grey_png: Callable[..., bytes]):
    answer = await client.post(INFER, content=grey_png(), headers={"Content-Type": "image/jpeg"})
    assert answer.status_code == 415


async def test_a_body_above_the_limit_is_413_before_it_is_read(client: httpx.AsyncClient):
    answer = await client.post(INFER, content=b"x", headers={"Content-Length": "200001"})
    assert (answer.status_code, answer.json()["code"]) == (413, "request.too-large")


async def test_a_body_without_a_length_is_read_up_to_the_limit_and_no_further(client: httpx.AsyncClient):
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 10_000_000:
            sent += 50_000
            yield b"x" * 50_000

    answer = await client.post(INFER, content=endless())
    assert answer.status_code == 413
    assert sent <= 300_000


async def test_more_images_than_the_service_holds_are_413(client: httpx.AsyncClient, grey_png: Callable[..., bytes]):
    answer = await client.post(INFER, json=tensors(*[grey_png(8, 8)] * 9))
    assert (answer.status_code, answer.json()["code"]) == (413, "request.too-large")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/nowhere"), ("POST", "/v2/"), ("GET", "/v2/"), ("GET", "/v2/models/x/y")],
)
async def test_an_unknown_route_is_404_in_the_one_shape(client: httpx.AsyncClient, method: str, path: str):
    answer = await client.request(method, path)
    assert answer.status_code == 404
    assert set(answer.json()) == {"error", "code", "reason", "remedy", "request_id"}
    assert answer.json()["code"] == "request.unknown-route"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/v2", "GET, HEAD"),
        ("GET", INFER, "POST"),
        *((method, "/v1/models/tiny:predict", "POST") for method in ("GET", "DELETE")),
        ("POST", "/v1/models/tiny", "GET, HEAD"),
    ],
)
async def test_a_method_that_a_path_does_not_take_is_405_with_those_that_it_does(
    client: httpx.AsyncClient, method: str, path: str, allowed: str
):
    answer = await client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (405, "request.unknown-method")
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize("path", ["/v2/models/other", "/v2/models/other/ready", "/v1/models/other"])
async def test_an_unknown_model_is_404_and_the_served_one_is_named(client: httpx.AsyncClient, path: str):
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "request.unknown-model")
    assert "'tiny'" in answer.json()["remedy"]


async def test_the_root_tells_what_this_is_and_what_to_try(client: httpx.AsyncClient):
    answer = (await client.get("/")).json()
    assert (answer["status"], answer["ready"], answer["docs"]) == ("alive", True, "/openapi.json")
    assert answer["models"][0]["classes"] == ["fracture", "text"]
    assert answer["try"].endswith("http://service/v2/models/tiny/infer")


async def test_metadata_tell_types_and_shapes_truly(client: httpx.AsyncClient):
    answer = (await client.get("/v2/models/tiny")).json()
    assert answer["versions"] == ["1"]
    assert {one["name"]: (one["datatype"], one["shape"]) for one in answer["inputs"]} == {
        "image": ("BYTES", [-1]),
        "pixels": ("UINT8", [-1, 1, 64, 64]),
    }
    assert [one["name"] for one in answer["outputs"]] == [
        *("record", "boxes", "scores", "classes", "counts"),
        *("sr", "fhir-r4", "fhir-r5"),
    ]
    assert answer["parameters"]["emulated"] is False


async def test_lists_of_models_name_the_one(client: httpx.AsyncClient):
    assert (await client.get("/v1/models")).json() == (await client.get("/v2/models")).json() == {"models": ["tiny"]}


async def test_it_lives_before_it_is_ready(tiny_package, log):
    from carpal_detector.logs import make_logger

    loading = Service(Settings(model=str(tiny_package)), make_logger(log))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(loading.app), base_url="http://service") as client:
        assert (await client.get("/v2/health/live")).status_code == 200
        assert (await client.get("/v2/health/ready")).status_code == 503
        answer = await client.post(INFER, content=b"")
        assert (answer.status_code, answer.json()["code"]) == (503, "service.not-ready")
        assert answer.headers["retry-after"] == "1"


async def test_it_is_not_ready_while_it_leaves_and_refuses_once_it_drains(
    client: httpx.AsyncClient, service: Service, grey_png: Callable[..., bytes]
):
    paths = ("/v2/health/ready", "/v2/models/tiny/ready", "/v1/models/tiny")
    assert [(await client.get(path)).status_code for path in paths] == [200] * 3
    service.lifecycle.phase = Phase.LINGERING
    assert [(await client.get(path)).status_code for path in paths] == [503] * 3
    assert (await client.post(INFER, content=grey_png())).status_code == 200
    service.lifecycle.phase = Phase.DRAINING
    service.scheduler.stop_admission()
    answer = await client.post(INFER, content=grey_png())
    assert (answer.status_code, answer.json()["code"]) == (503, "service.draining")


async def test_a_full_service_says_so_before_it_reads_the_body(client: httpx.AsyncClient, service: Service):
    read = False

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        read = True
        yield b"an image"

    gate = threading.Event()
    held = asyncio.create_task(service.scheduler.run([lambda ms: gate.wait(20)] * 8))
    await asyncio.sleep(0)
    answer = await client.post(INFER, content=body())
    gate.set()
    await held
    assert (answer.status_code, answer.json()["code"]) == (429, "service.overloaded")
    assert int(answer.headers["retry-after"]) >= 1
    assert not read


async def test_a_deadline_that_passes_in_the_queue_is_504(
    client: httpx.AsyncClient, service: Service, grey_png: Callable[..., bytes]
):
    gate = threading.Event()
    held = asyncio.create_task(service.scheduler.run([lambda ms: gate.wait(20)] * 2))
    await asyncio.sleep(0)
    answer = await client.post(INFER, content=grey_png(), headers={"X-Request-Deadline-Ms": "20"})
    assert (answer.status_code, answer.json()["code"]) == (504, "request.deadline")
    gate.set()
    await held


async def test_requests_are_counted_by_status_and_reason(client: httpx.AsyncClient, grey_png: Callable[..., bytes]):
    await client.post(INFER, content=grey_png())
    await client.post(INFER, content=b"GIF89a")
    await client.get("/v2/health/ready")
    lines = (await client.get("/metrics")).text.splitlines()
    assert 'carpal_requests_total{code="200",model="tiny",reason="ok"} 1.0' in lines
    assert 'carpal_requests_total{code="415",model="tiny",reason="image.not-an-image"} 1.0' in lines
    assert sum(line.startswith("carpal_requests_total") for line in lines) == 2
    assert "carpal_ready 1.0" in lines


async def test_a_request_id_is_on_every_answer(client: httpx.AsyncClient):
    for path in ("/", "/nowhere", "/v2/health/live", "/metrics"):
        assert (await client.get(path)).headers["x-request-id"]


def test_the_first_phase_is_loading():
    assert Lifecycle().phase is Phase.LOADING


@pytest.mark.parametrize("path", ["/v2/health/ready", "/metrics", "/", "/openapi.json", "/v2?x=1", "/v2/models/tiny"])
async def test_head_of_every_page_has_its_status_and_length(client: httpx.AsyncClient, path: str):
    head, page = await client.head(path), await client.get(path)
    assert (head.status_code, head.headers["content-type"]) == (200, page.headers["content-type"])
    if path != "/metrics":  # which counts the two
        assert head.headers["content-length"] == page.headers["content-length"]


@pytest.mark.parametrize(
    ("path", "status"), [("/nope", 404), (INFER, 405), ("/v1/models/tiny:predict", 405), ("/v2/models/other", 404)]
)
async def test_head_of_what_is_not_there_is_an_error(client: httpx.AsyncClient, path: str, status: int):
    assert (await client.head(path)).status_code == status
