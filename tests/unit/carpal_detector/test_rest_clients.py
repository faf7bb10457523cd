"""REST for clients of every kind: HEAD, null, encodings, byte-order marks, and bounded errors."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.unit.carpal_detector.test_rest import INFER, PREDICT, tensors


@pytest.mark.parametrize("path", ["/v2/health/ready", "/metrics", "/", "/openapi.json", "/v2?x=1", "/v2/models/tiny"])
async def test_head_of_every_page_has_its_status_and_length(client: httpx.AsyncClient, path: str):
    head, page = await client.head(path), await client.get(path)
    assert (head.status_code, head.headers["content-type"]) == (200, page.headers["content-type"])
    if path != "/metrics":  # which counts the two
        assert head.headers["content-length"] == page.headers["content-length"]


@pytest.mark.parametrize(("path", "status"), [("/nope", 404), (INFER, 405), ("/v2/models/other", 404)])
async def test_head_of_what_is_not_there_is_an_error(client: httpx.AsyncClient, path: str, status: int):
    assert (await client.head(path)).status_code == status


LONG = "QUJD" * 25_000
ONE = {"name": "image", "shape": [1], "datatype": "BYTES", "data": ["aGk="]}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (PREDICT, {"instances": [LONG]}),
        (PREDICT, {"instances": [{"b64": LONG + "?"}]}),
        (PREDICT, {"instances": LONG}),
        (PREDICT, {LONG: 1}),
        (PREDICT, {"instances": [{"b64": "aGk=", LONG: 1}]}),
        (PREDICT, {"instances": [{"b64": "aGk="}], "parameters": {LONG: 1}}),
        (INFER, {"inputs": [{**ONE, "shape": LONG}]}),
        (INFER, {"inputs": [{**ONE, "shape": [LONG]}]}),
        (INFER, {"inputs": [{**ONE, "name": LONG}]}),
        (INFER, {"inputs": [{**ONE, "datatype": LONG}]}),
        (INFER, {"inputs": [{**ONE, "data": LONG}]}),
        (INFER, {"inputs": [{**ONE, "data": [LONG + "?"]}]}),
        (INFER, {"inputs": [ONE], "parameters": {LONG: 1}}),
        (INFER, {"inputs": [ONE], "parameters": {"threshold": LONG}}),
        (INFER, {"inputs": [ONE], "parameters": {"formats": LONG}}),
        (INFER, {"inputs": [ONE], "parameters": {"timeout": LONG}}),
        (INFER, {"inputs": [ONE], "outputs": [{"name": LONG}]}),
        (INFER, {"inputs": [ONE], "outputs": LONG}),
        (INFER, {"inputs": [ONE], "id": {LONG: 1}}),
        (f"/v2/models/{LONG[:2000]}/infer", {"inputs": [ONE]}),
    ],
)
async def test_an_error_holds_no_more_than_an_excerpt_of_the_request(client: httpx.AsyncClient, path: str, body: Any):
    answer = await client.post(path, json=body)
    assert 400 <= answer.status_code < 500
    assert len(answer.text) < 2000
    assert LONG[:700] not in answer.text


@pytest.mark.parametrize(
    "parts",
    [
        {"id": None},
        {"parameters": None},
        {"outputs": None},
        {"parameters": {"binary_data_output": None, "timeout": None, "threshold": None, "formats": None}},
        {"outputs": [{"name": "record", "parameters": None}]},
        {"outputs": [{"name": "record", "parameters": {"binary_data": None, "classification": None}}]},
        {"unknown": None},
    ],
)
async def test_null_is_an_optional_field_that_is_not_given(
    client: httpx.AsyncClient, grey_png: Callable[..., bytes], parts: dict[str, Any]
):
    given = await client.post(INFER, json=tensors(grey_png(), **parts))
    plain = await client.post(INFER, json=tensors(grey_png()))
    assert given.status_code == 200, given.text
    assert given.json()["outputs"][0]["name"] == plain.json()["outputs"][0]["name"]


@pytest.mark.parametrize("key", ["parameters", "data"])
async def test_null_in_an_input_counts_as_absent(client: httpx.AsyncClient, grey_png: Callable[..., bytes], key: str):
    body = tensors(grey_png())
    body["inputs"][0][key] = None
    answer = await client.post(INFER, json=body)
    assert (answer.status_code, "no data" in answer.text) == ((200, False) if key == "parameters" else (400, True))


@pytest.mark.parametrize("key", ["name", "shape", "datatype"])
async def test_null_in_a_required_field_is_refused_with_its_place(client: httpx.AsyncClient, key: str):
    answer = await client.post(INFER, json={"inputs": [{**ONE, key: None}]})
    assert answer.status_code == 400
    assert f"inputs.0.{key}" in answer.json()["error"]


@pytest.mark.parametrize("parts", [{"parameters": None}, {"signature_name": None}, {"parameters": {"threshold": None}}])
async def test_null_is_absent_in_v1_too(
    client: httpx.AsyncClient, grey_png: Callable[..., bytes], parts: dict[str, Any]
):
    instance = {"b64": base64.b64encode(grey_png()).decode(), "name": None}
    assert (await client.post(PREDICT, json={"instances": [instance], **parts})).status_code == 200


@pytest.mark.parametrize("coding", ["identity", "Identity", "IDENTITY", " identity ", "", "identity, identity"])
async def test_a_body_that_is_not_encoded_is_taken_however_that_is_said(
    client: httpx.AsyncClient, grey_png: Callable[..., bytes], coding: str
):
    headers = {"Content-Type": "image/png", "Content-Encoding": coding}
    assert (await client.post(INFER, content=grey_png(), headers=headers)).status_code == 200


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip", "deflate", "br", "identity, gzip", "gzip,identity"])
@pytest.mark.parametrize("head", [{}, {"Inference-Header-Content-Length": "10"}, {"Content-Type": "application/json"}])
async def test_an_encoded_body_is_refused_by_its_encoding(client: httpx.AsyncClient, coding: str, head: dict[str, str]):
    answer = await client.post(INFER, content=b"\x1f\x8b\x08\x00", headers={"Content-Encoding": coding, **head})
    assert (answer.status_code, answer.json()["code"]) == (415, "request.media-type")
    assert "encoded" in answer.json()["error"]


@pytest.mark.parametrize("headers", [{"Content-Type": "application/json"}, {}])
async def test_a_byte_order_mark_before_json_is_passed_over(
    client: httpx.AsyncClient, grey_png: Callable[..., bytes], headers: dict[str, str]
):
    mark, image = b"\xef\xbb\xbf", grey_png()
    for path, body in ((INFER, tensors(image)), (PREDICT, {"instances": [{"b64": base64.b64encode(image).decode()}]})):
        answer = await client.post(path, content=mark + json.dumps(body).encode(), headers=headers)
        assert answer.status_code == 200, answer.text
    binary = {"inputs": [{**ONE, "data": None, "parameters": {"binary_data_size": len(image) + 4}}]}
    head = mark + json.dumps(binary).encode()
    sent = head + len(image).to_bytes(4, "little") + image
    length = {"Inference-Header-Content-Length": str(len(head))}
    assert (await client.post(INFER, content=sent, headers=headers | length)).status_code == 200


async def test_json_in_another_encoding_is_said_to_be_no_json(client: httpx.AsyncClient):
    for path in (INFER, PREDICT):
        body, headers = '{"a": 1}'.encode("utf-16"), {"Content-Type": "application/json"}
        answer = await client.post(path, content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "request.malformed")


async def test_statistics_of_all_models_are_those_of_each(client: httpx.AsyncClient, grey_png: Callable[..., bytes]):
    await client.post(INFER, content=grey_png(), headers={"Content-Type": "image/png"})
    everything = (await client.get("/v2/models/stats")).json()
    assert everything == (await client.get("/v2/models/tiny/stats")).json()
    assert everything["model_stats"][0]["inference_stats"]["success"]["count"] == 1
