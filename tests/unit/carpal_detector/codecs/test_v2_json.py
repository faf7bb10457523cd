"""The Open Inference Protocol over REST."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import orjson
import pytest
from tests.unit.carpal_detector.test_rest import INFER, tensors

from carpal_detector.codecs.tensor import from_array, from_elements
from carpal_detector.codecs.v2_json import parse, render
from carpal_detector.errors import BadTensorError, MalformedError


def request(**changes: Any) -> dict[str, Any]:
    return {"inputs": [{"name": "image", "shape": [1], "datatype": "BYTES", "data": ["YQ=="]}]} | changes


def test_a_json_request_is_read():
    call = parse(orjson.dumps(request(id="7", parameters={"threshold": 0.5}, outputs=[{"name": "record"}])))
    assert call.inputs["image"].elements == (b"a",)
    assert (call.id, dict(call.parameters), call.binary) == ("7", {"threshold": 0.5}, False)
    assert [(output.name, output.binary) for output in call.outputs] == [("record", False)]


def test_binary_tensors_follow_the_json_in_the_order_of_the_inputs():
    head = orjson.dumps(
        {
            "inputs": [
                {"name": "image", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": 5}},
                {"name": "pixels", "shape": [2], "datatype": "UINT8", "parameters": {"binary_data_size": 2}},
            ]
        }
    )
    call = parse(head + b"\1\0\0\0a" + b"\7\x08", len(head))
    assert call.inputs["image"].elements == (b"a",)
    assert call.inputs["pixels"].array.tolist() == [7, 8]


def test_an_output_says_for_itself_whether_it_goes_as_bytes():
    outputs = [{"name": "record"}, {"name": "boxes", "parameters": {"binary_data": False}}]
    call = parse(orjson.dumps(request(outputs=outputs, parameters={"binary_data_output": True})))
    assert [output.binary for output in call.outputs] == [True, False]


def test_keys_that_the_protocol_may_add_are_ignored():
    assert parse(orjson.dumps(request(novelty=1))).inputs["image"].elements == (b"a",)
    for key in ("", "ü", "a/b", "\0", "\0data", "name\0"):
        body = request(**{key: 1})
        body["inputs"][0][key] = {key: [1, {key: None}]}
        assert parse(orjson.dumps(body)).inputs["image"].elements == (b"a",)


def test_an_answer_is_json_with_its_bytes_behind_it():
    boxes = from_array("boxes", "FP32", np.array([[1, 2, 3, 4]]))
    body, length = render("tiny", "1", "7", [(from_elements("record", [b"{}"]), False), (boxes, True)])
    answer = orjson.loads(body[:length])
    assert (answer["model_name"], answer["model_version"], answer["id"]) == ("tiny", "1", "7")
    assert answer["outputs"][0] == {"name": "record", "datatype": "BYTES", "shape": [1], "data": ["{}"]}
    assert answer["outputs"][1]["parameters"] == {"binary_data_size": 16}
    assert np.frombuffer(body[length:], "<f4").tolist() == [1, 2, 3, 4]


def test_an_answer_without_bytes_is_plain_json():
    body, length = render("tiny", "1", "", [(from_elements("record", [b"{}"]), False)])
    assert length is None
    assert "id" not in orjson.loads(body)


@pytest.mark.parametrize(
    ("body", "length", "said"),
    [
        (b"{", None, "not JSON"),
        (b"[]", None, "no v2 inference request"),
        (b'{"inputs": []}', None, "inputs"),
        (b'{"inputs": [{"name": "image"}]}', None, "datatype"),
        (b"{}", 3, "Inference-Header-Content-Length is 3"),
        (b"[" * 5000, None, "not JSON"),
        (b'{"inputs": 36893488147419103232}', None, "not JSON"),
    ],
)
def test_what_is_no_request_is_refused_with_the_place(body: bytes, length: int | None, said: str):
    with pytest.raises(MalformedError) as caught:
        parse(body, length)
    assert said in str(caught.value)


@pytest.mark.parametrize("size", [None, -1, 6, True, "5"])
def test_an_input_without_its_bytes_is_refused(size: object):
    parameters = {} if size is None else {"binary_data_size": size}
    head = orjson.dumps({"inputs": [{"name": "image", "shape": [1], "datatype": "BYTES", "parameters": parameters}]})
    with pytest.raises(BadTensorError, match="binary_data_size"):
        parse(head + b"\1\0\0\0a", len(head))


def test_bytes_that_no_input_claims_are_refused():
    head = orjson.dumps(request())
    with pytest.raises(BadTensorError, match="2 bytes follow"):
        parse(head + b"ab", len(head))


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None, "outputs": None, "parameters": None, "novelty": None},
        {"parameters": {"threshold": None, "binary_data_output": None, "timeout": None}},
    ],
)
def test_null_is_an_optional_field_that_is_not_given(changes: dict[str, Any]):
    assert parse(orjson.dumps(request(**changes))) == parse(orjson.dumps(request()))


def test_null_in_an_input_with_binary_data_is_absent():
    given = {"name": "image", "shape": [1], "datatype": "BYTES", "data": None}
    for extra in ({"novelty": None}, {"classification": None}):
        head = orjson.dumps({"inputs": [{**given, "parameters": {"binary_data_size": 5, **extra}}]})
        assert parse(head + b"\1\0\0\0a", len(head)).inputs["image"].elements == (b"a",)


@pytest.mark.parametrize("parameters", [None, {}, {"binary_data": None}])
@pytest.mark.parametrize("default", [True, False])
def test_an_output_whose_wish_is_null_follows_the_request(parameters: dict[str, None] | None, default: bool):
    outputs = [{"name": "boxes", "parameters": parameters}]
    call = parse(orjson.dumps(request(outputs=outputs, parameters={"binary_data_output": default})))
    assert [output.binary for output in call.outputs] == [default]


def test_a_byte_order_mark_counts_to_the_length_of_the_json():
    given = {"name": "pixels", "shape": [2], "datatype": "UINT8", "parameters": {"binary_data_size": 2}}
    head = b"\xef\xbb\xbf" + orjson.dumps({"inputs": [given]})
    assert parse(head + b"\7\x08", len(head)).inputs["pixels"].array.tolist() == [7, 8]


def test_an_unknown_datatype_is_refused_as_such_whatever_the_data():
    for data in ([1], ["x"], "x"):
        given = {"name": "image", "shape": [1], "datatype": "STRING", "data": data}
        with pytest.raises(BadTensorError, match="has the datatype 'STRING'"):
            parse(orjson.dumps({"inputs": [given]}))


def test_a_wrong_binary_data_size_is_given_in_part():
    given = {"name": "image", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": "QUJD" * 5000}}
    with pytest.raises(BadTensorError) as caught:
        parse(orjson.dumps({"inputs": [given]}))
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("key", ["parameters", "data"])
async def test_null_in_an_input_counts_as_absent(client: httpx.AsyncClient, grey_png: Callable[..., bytes], key: str):
    body = tensors(grey_png())
    body["inputs"][0][key] = None
    answer = await client.post(INFER, json=body)
    assert (answer.status_code, "no data" in answer.text) == ((200, False) if key == "parameters" else (400, True))


@pytest.mark.parametrize("key", ["name", "shape", "datatype"])
async def test_null_in_a_required_field_is_refused_with_its_place(client: httpx.AsyncClient, key: str):
    answer = await client.post(INFER, json={"inputs": [request()["inputs"][0] | {key: None}]})
    assert answer.status_code == 400
    assert f"inputs.0.{key}" in answer.json()["error"]


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
async def test_a_request_with_null_is_answered_as_one_without(
    client: httpx.AsyncClient, grey_png: Callable[..., bytes], parts: dict[str, Any]
):
    given = await client.post(INFER, json=tensors(grey_png(), **parts))
    plain = await client.post(INFER, json=tensors(grey_png()))
    assert given.status_code == 200, given.text
    assert given.json()["outputs"][0]["name"] == plain.json()["outputs"][0]["name"]
