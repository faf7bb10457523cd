"""UTF-8 with or without a byte-order mark; other encodings are refused by name."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import httpx
import pytest
from tests.unit.carpal_detector.test_rest import INFER, PREDICT, tensors

from carpal_detector.codecs.json_text import utf8_json
from carpal_detector.errors import MalformedError


@pytest.mark.parametrize("body", [b'{"a": 1}', b"", b"{", b"[]", "{'ü'}".encode(), b" \n{}"])
def test_a_byte_order_mark_is_removed(body: bytes):
    assert utf8_json(b"\xef\xbb\xbf" + body) == utf8_json(body) == body


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_another_encoding_is_refused_by_name(encoding: str):
    with pytest.raises(MalformedError) as caught:
        utf8_json('{"a": 1}'.encode(encoding))
    assert "UTF-16 or UTF-32" in caught.value.what
    assert "UTF-8" in caught.value.remedy


@pytest.mark.parametrize("body", [bytes(132) + b"DICM", b"II*\0", b"BM\0\0", b"\x89PNG"])
def test_an_image_is_not_taken_for_text(body: bytes):
    assert utf8_json(body) == body


@pytest.mark.parametrize("headers", [{"Content-Type": "application/json"}, {}])
async def test_a_byte_order_mark_before_json_is_passed_over(
    client: httpx.AsyncClient, grey_png: Callable[..., bytes], headers: dict[str, str]
):
    mark, image = b"\xef\xbb\xbf", grey_png()
    for path, body in ((INFER, tensors(image)), (PREDICT, {"instances": [{"b64": base64.b64encode(image).decode()}]})):
        answer = await client.post(path, content=mark + json.dumps(body).encode(), headers=headers)
        assert answer.status_code == 200, answer.text
    binary = tensors(image)
    binary["inputs"][0] |= {"data": None, "parameters": {"binary_data_size": len(image) + 4}}
    head = mark + json.dumps(binary).encode()
    sent = head + len(image).to_bytes(4, "little") + image
    length = {"Inference-Header-Content-Length": str(len(head))}
    assert (await client.post(INFER, content=sent, headers=headers | length)).status_code == 200


@pytest.mark.parametrize("headers", [{"Content-Type": "application/json"}, {}])
async def test_json_in_utf_16_is_refused_by_its_encoding(client: httpx.AsyncClient, headers: dict[str, str]):
    for path in (INFER, PREDICT):
        answer = await client.post(path, content='{"a": 1}'.encode("utf-16"), headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "request.malformed")
        assert "UTF-16" in answer.json()["error"]
