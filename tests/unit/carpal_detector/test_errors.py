"""Every kind of failure has its status on both wires, and every leaf is drawn in the tree."""

from __future__ import annotations

import io
import json

import grpc
import httpx
import pytest

import carpal_detector.errors as errors
from carpal.errors import STATUS, CarpalError, Kind
from carpal_detector.envelope import Envelope
from carpal_detector.lifecycle import Lifecycle
from carpal_detector.logs import make_logger
from carpal_detector.rpc import STATUS_CODES

LEAVES = [
    leaf
    for leaf in vars(errors).values()
    if isinstance(leaf, type) and issubclass(leaf, CarpalError) and leaf.__module__ == errors.__name__
]


def failing(kind: Kind) -> CarpalError:
    return type("Leaf", (CarpalError,), {"code": "test.leaf", "kind": kind})("what", "why", "remedy")


@pytest.mark.parametrize("kind", list(Kind))
async def test_every_kind_is_answered_with_its_status_in_the_one_shape(kind: Kind):
    async def app(scope: object, receive: object, send: object) -> None:
        raise failing(kind)

    envelope = Envelope(app, Lifecycle(), make_logger(io.StringIO()))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(envelope), base_url="http://service") as client:
        answer = await client.get("/", headers={"x-request-id": "7"})
    assert answer.status_code == STATUS[kind].http
    assert answer.json() == {
        "error": "what", "code": "test.leaf", "reason": "why", "remedy": "remedy", "request_id": "7",
    }  # fmt: skip
    assert answer.headers["x-request-id"] == "7"


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_a_grpc_status_that_is_no_success(kind: Kind):
    assert STATUS_CODES[STATUS[kind].grpc] is not grpc.StatusCode.OK


def test_every_leaf_is_drawn_in_the_tree_with_its_code():
    drawn = [line.split()[1:3] for line in (errors.__doc__ or "").splitlines() if "──" in line]
    leaves = [[leaf.__name__, leaf.code] for leaf in LEAVES if leaf is not errors.RetryLaterError]
    assert drawn == leaves


def test_codes_differ_from_one_another():
    codes = [leaf.code for leaf in LEAVES]
    assert len(set(codes)) == len(codes)


def test_the_unexpected_tells_a_caller_its_request_id_and_nothing_of_the_inside():
    failure = errors.unexpected("7")
    assert failure.status.http == 500
    assert "request id 7" in json.dumps(failure.as_dict())
