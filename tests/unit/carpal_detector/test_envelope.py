"""The outermost layer: a request id on every answer, and no failure that escapes."""

from __future__ import annotations

import io
import json
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse

from carpal_detector.envelope import Envelope, RequestIds, headers_of
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
