"""Only a true record of the right model, the right image and the right findings counts as answered."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from carpal.records.record import Box, Finding
from carpal_loadtests.answers import Answer, Expected, Judge, Outcome, same_findings
from carpal_loadtests.payloads import Payload
from carpal_loadtests.wire import Reply

STARTER = Expected("starter")
ERROR = b'{"error": "full", "code": "service.full"}'
IMAGE = Payload("a.png", "image/png", b"an image")
BAD = Payload("bad", "image/png", b"no image", bad=True)

RecordOf = Callable[..., bytes]


def judge(status: int, headers: dict[str, str], body: bytes, expected: Expected = STARTER) -> Answer:
    """Judge one answer to IMAGE, with nothing seen before."""
    return Judge("image", expected).judge(Reply(status, headers, body), IMAGE)


def finding(x0: float = 10, probability: float = 0.9, label: str = "fracture") -> Finding:
    return Finding(label=label, box=Box(x0=x0, y0=20, x1=x0 + 30, y1=60), probability=probability, status="confirmed")


def test_a_true_record_of_the_right_model_is_answered(record_of: RecordOf) -> None:
    answer = judge(200, {}, record_of("starter", IMAGE.digest))
    assert answer.outcome is Outcome.ANSWERED
    assert answer.model is not None
    assert answer.model.name == "starter"


def test_a_record_of_another_model_is_wrong(record_of: RecordOf) -> None:
    answer = judge(200, {}, record_of("another", IMAGE.digest))
    assert (answer.outcome, answer.code) == (Outcome.WRONG, "answer.other-model")


def test_a_record_of_another_image_is_wrong(record_of: RecordOf) -> None:
    answer = judge(200, {}, record_of("starter", BAD.digest))
    assert (answer.outcome, answer.code) == (Outcome.WRONG, "answer.other-image")


def test_a_package_that_is_offered_under_another_name_is_told_by_its_digest(record_of: RecordOf) -> None:
    body = record_of("starter", IMAGE.digest)
    assert judge(200, {}, body, Expected("wrist", "sha256:" + "0" * 64)).outcome is Outcome.ANSWERED
    assert judge(200, {}, body, Expected("wrist", "sha256:" + "1" * 64)).outcome is Outcome.WRONG
    assert judge(200, {}, body, Expected("wrist")).outcome is Outcome.WRONG


@pytest.mark.parametrize("body", [b"", b"<html>ok</html>", b"{}", b"[]", b"null"])
def test_a_200_without_a_record_is_wrong(body: bytes) -> None:
    assert judge(200, {}, body) == Answer(Outcome.WRONG, "answer.not-a-record")


def test_a_record_with_a_key_too_many_is_wrong(record_of: RecordOf) -> None:
    body = record_of("starter", IMAGE.digest).replace(b'"id":', b'"extra":1,"id":')
    assert judge(200, {}, body).outcome is Outcome.WRONG


def test_what_was_validated_once_is_known_again_and_anything_else_is_validated(record_of: RecordOf) -> None:
    judging = Judge("image", STARTER)
    body = record_of("starter", IMAGE.digest)
    first = judging.judge(Reply(200, {}, body), IMAGE)
    again = body.replace(b'"infer_ms":0.0', b'"infer_ms":12.5')
    assert again != body
    assert judging.judge(Reply(200, {}, again), IMAGE) is first
    for spoiled in (
        body.replace(b'"infer_ms":0.0', b'"infer_ms":"fast"'),
        body.replace(b'"infer_ms":0.0', b'"infer_ms":-1.0'),
        body.replace(b'"bits":8', b'"bits":99'),
        body.replace(IMAGE.digest.encode(), BAD.digest.encode()),
    ):
        assert spoiled != body
        assert judging.judge(Reply(200, {}, spoiled), IMAGE).outcome is Outcome.WRONG


def test_other_findings_than_expected_are_wrong(record_of: RecordOf) -> None:
    reply = Reply(200, {}, record_of("starter", IMAGE.digest))  # finds nothing
    assert Judge("image", STARTER, {IMAGE.digest: ()}).judge(reply, IMAGE).outcome is Outcome.ANSWERED
    answer = Judge("image", STARTER, {IMAGE.digest: [finding()]}).judge(reply, IMAGE)
    assert (answer.outcome, answer.code) == (Outcome.WRONG, "answer.other-findings")


def test_findings_are_the_same_within_a_pixel_and_a_hundredth() -> None:
    wanted = [finding(), finding(x0=200, probability=0.5)]
    assert same_findings(wanted, [finding(x0=200.4, probability=0.503), finding(x0=9.5)])
    assert not same_findings(wanted, [finding()])
    assert not same_findings(wanted, [*wanted, finding()])
    assert not same_findings(wanted, [finding(x0=12), wanted[1]])
    assert not same_findings(wanted, [finding(probability=0.8), wanted[1]])
    assert not same_findings(wanted, [finding(label="text"), wanted[1]])


@pytest.mark.parametrize("status", [429, 503])
def test_a_refusal_that_says_when_to_come_back_is_shed(status: int) -> None:
    assert judge(status, {"retry-after": "1"}, ERROR) == Answer(Outcome.SHED, "service.full")


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (429, Outcome.REJECTED),
        (400, Outcome.REJECTED),
        (503, Outcome.BROKEN),
        (500, Outcome.BROKEN),
        (302, Outcome.BROKEN),
    ],
)
def test_any_other_status_is_a_failure(status: int, outcome: Outcome) -> None:
    assert judge(status, {}, ERROR) == Answer(outcome, "service.full")


@pytest.mark.parametrize(
    ("status", "outcome", "code"),
    [
        (422, Outcome.REFUSED, "service.full"),
        (200, Outcome.WRONG, "answer.took-a-bad-input"),
        (500, Outcome.BROKEN, "service.full"),
        (429, Outcome.REJECTED, "service.full"),
    ],
)
def test_a_bad_input_must_be_refused_with_4xx(status: int, outcome: Outcome, code: str) -> None:
    assert Judge("image", STARTER).judge(Reply(status, {}, ERROR), BAD) == Answer(outcome, code)


@pytest.mark.parametrize("body", [b"oops", b"[1]", b'{"code": 7}', b'{"code": ""}'])
def test_an_error_without_a_code_is_named_by_its_status(body: bytes) -> None:
    assert judge(500, {}, body).code == "http.500"


def test_grpc_says_its_code_in_the_metadata() -> None:
    assert judge(500, {"carpal-code": "internal.unexpected"}, b"details").code == "internal.unexpected"
