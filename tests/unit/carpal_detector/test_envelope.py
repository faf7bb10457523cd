"""The outermost layer: a request id on every answer, and no failure that escapes."""

from __future__ import annotations

import io
import json
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse
from tests.unit.carpal_detector.test_rest import INFER, PREDICT

from carpal.errors import CarpalError
from carpal_detector.envelope import Envelope, RequestIds, document, headers_of
from carpal_detector.errors import OverloadedError
from carpal_detector.lifecycle import Lifecycle, Phase
from carpal_detector.logs import make_logger


async def ask(app: Any, lifecycle: Lifecycle, log: io.StringIO, **headers: str) -> httpx.Response:
    envelope = Envelope(app, lifecycle, make_logger(log))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(envelope), base_url="http://service") as client:
        return await client.get("/", headers=headers)


def raising(failure: Exception) -> Any:
    async def app(scope: object, receive: object, send: object) -> None:
        raise failure

    return app


async def test_the_unforeseen_is_500_with_a_request_id_and_no_word_of_the_inside(log: io.StringIO):
    answer = await ask(raising(ZeroDivisionError("patient Smith")), Lifecycle(), log)
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal.unexpected"
    assert "ZeroDivision" not in answer.text
    assert "Smith" not in answer.text


async def test_the_unforeseen_is_logged_under_its_request_id_without_its_message(log: io.StringIO):
    answer = await ask(raising(ZeroDivisionError("patient Smith")), Lifecycle(), log)
    entry = json.loads(log.getvalue())
    assert entry["request_id"] == answer.headers["x-request-id"]
    assert entry["type"] == "ZeroDivisionError"
    assert entry["frames"]
    assert "Smith" not in log.getvalue()


async def test_a_refusal_that_passes_says_when_to_come_back(log: io.StringIO):
    answer = await ask(raising(OverloadedError("full", retry_after_s=7)), Lifecycle(), log)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


async def test_a_process_that_is_leaving_asks_callers_to_hang_up(log: io.StringIO):
    lifecycle = Lifecycle()
    staying = await ask(PlainTextResponse("ok"), lifecycle, log)
    lifecycle.phase = Phase.LINGERING
    leaving = await ask(PlainTextResponse("ok"), lifecycle, log)
    assert "connection" not in staying.headers
    assert leaving.headers["connection"] == "close"


@pytest.mark.parametrize("given", [None, "", "a b", 'x"y', "x" * 129, "naïve"])
def test_a_request_id_that_could_harm_a_log_is_replaced_by_one_of_its_own(given: str | None):
    ids = RequestIds()
    made = [ids.of(given) for _ in range(3)]
    assert given not in made
    assert len(set(made)) == 3
    assert RequestIds().of(given) not in made


def test_a_plain_request_id_is_kept():
    assert RequestIds().of("trace-7:A.b_c") == "trace-7:A.b_c"


def test_the_first_of_two_headers_counts():
    scope = {"headers": [(b"x-tenant", b"one"), (b"x-tenant", b"two"), (b"accept", b"\xe9")]}
    assert headers_of(scope) == {"x-tenant": "one", "accept": "é"}


def test_lines_of_content_encoding_are_one_list():
    lines = [b"identity", b"gzip", b"identity"]
    assert headers_of({"headers": [(b"content-encoding", line) for line in lines]}) == {
        "content-encoding": "identity, gzip, identity"
    }


def test_each_part_of_an_error_is_bounded():
    parts = document(CarpalError("a" * 9000, "b" * 9000, "c" * 9000), "7")
    assert set(parts) >= {"error", "reason", "remedy"}
    assert all(len(text) < 700 for text in parts.values())
    assert document(CarpalError("short", "why", "what to do"), "7")["error"] == "short"


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
        (INFER, {"inputs": [{**ONE, "name": LONG[:60]}]}),
        (INFER, {"inputs": [{**ONE, "name": f"{LONG[:60]}{place}"} for place in range(50)]}),
        (INFER, {"inputs": [{**ONE, "data": None, "parameters": {"binary_data_size": LONG}}]}),
        (INFER, {"inputs": [ONE], "parameters": {"timeout": {"a": LONG}}}),
        (INFER, {"inputs": [ONE], "parameters": {"formats": [LONG]}}),
        (PREDICT, {"instances": [{"b64": "aGk="}], "parameters": {"formats": {LONG: 1}}}),
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
    assert len(answer.text) < 1000
    assert LONG[:100] not in answer.text
