"""KServe's v1 protocol."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.unit.carpal_detector.test_rest import PREDICT

from carpal_detector.codecs.v1 import parse, render
from carpal_detector.errors import MalformedError


def test_instances_are_images_with_their_names():
    body = b'{"instances": [{"b64": "YQ=="}, {"b64": "Yg==", "name": "wrist"}], "parameters": {"max_findings": 1}}'
    assert parse(body) == ([(b"a", None), (b"b", "wrist")], {"max_findings": 1})


@pytest.mark.parametrize(
    "body",
    [
        b'{"instances": [{"b64": "YQ==", "name": null}], "parameters": null, "signature_name": null}',
        b'{"instances": [{"b64": "YQ==", "key": null}], "parameters": {"threshold": null}, "inputs": null}',
        b'\xef\xbb\xbf{"instances": [{"b64": "YQ=="}]}',
    ],
)
def test_null_and_a_byte_order_mark_change_nothing(body: bytes):
    assert parse(body) == ([(b"a", None)], {})


def test_predictions_are_the_records():
    assert render([b'{"a":1}', b'{"b":2}']) == b'{"predictions":[{"a":1},{"b":2}]}'


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "not JSON"),
        (b'{"instances": []}', "instances"),
        (b'{"instances": [{"b64": "YQ==", "nmae": "x"}]}', "did you mean 'name'"),
        (b'{"instances": [{"b64": "!"}]}', "not base64"),
        (b'{"instances": [[0.0, 1.0]]}', "instances.0"),
        (b'{"instances": null}', "instances"),
        (b'{"instances": [{"b64": null}]}', "instances.0.b64"),
        (b'{"instances": [null]}', "instances.0"),
    ],
)
def test_what_is_no_request_is_refused_and_an_example_is_given(body: bytes, said: str):
    with pytest.raises(MalformedError) as caught:
        parse(body)
    assert said in caught.value.what
    assert '{"instances": [{"b64"' in caught.value.remedy


@pytest.mark.parametrize("parts", [{"parameters": None}, {"signature_name": None}, {"parameters": {"threshold": None}}])
async def test_null_is_absent_in_v1_too(
    client: httpx.AsyncClient, grey_png: Callable[..., bytes], parts: dict[str, Any]
):
    instance = {"b64": base64.b64encode(grey_png()).decode(), "name": None}
    assert (await client.post(PREDICT, json={"instances": [instance], **parts})).status_code == 200
