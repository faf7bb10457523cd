"""Only a true record of the right model counts as an answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from carpal_loadtests.answers import Answer, Expected, Outcome, judge

STARTER = Expected("starter")
ERROR = b'{"error": "full", "code": "service.full"}'


def test_a_true_record_of_the_right_model_is_answered(record_of: Callable[[str], bytes]) -> None:
    answer = judge(200, {}, record_of("starter"), STARTER)
    assert answer.outcome is Outcome.ANSWERED
    assert answer.model is not None
    assert answer.model.name == "starter"


def test_a_record_of_another_model_is_wrong(record_of: Callable[[str], bytes]) -> None:
    answer = judge(200, {}, record_of("another"), STARTER)
    assert (answer.outcome, answer.code) == (Outcome.WRONG, "answer.other-model")


def test_a_package_that_is_offered_under_another_name_is_told_by_its_digest(record_of: Callable[[str], bytes]) -> None:
    offered = Expected("wrist", "sha256:" + "0" * 64)
    assert judge(200, {}, record_of("starter"), offered).outcome is Outcome.ANSWERED
    assert judge(200, {}, record_of("starter"), Expected("wrist", "sha256:" + "1" * 64)).outcome is Outcome.WRONG
    assert judge(200, {}, record_of("starter"), Expected("wrist")).outcome is Outcome.WRONG


@pytest.mark.parametrize("body", [b"", b"<html>ok</html>", b"{}", b"[]", b"null"])
def test_a_200_without_a_record_is_wrong(body: bytes) -> None:
    assert judge(200, {}, body, STARTER) == Answer(Outcome.WRONG, "answer.not-a-record")


def test_a_record_with_a_key_too_many_is_wrong(record_of: Callable[[str], bytes]) -> None:
    body = record_of("starter").replace(b'"id":', b'"extra":1,"id":')
    assert judge(200, {}, body, STARTER).outcome is Outcome.WRONG


@pytest.mark.parametrize("status", [429, 503])
def test_a_refusal_that_says_when_to_come_back_is_shed(status: int) -> None:
    assert judge(status, {"retry-after": "1"}, ERROR, STARTER) == Answer(Outcome.SHED, "service.full")


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
    assert judge(status, {}, ERROR, STARTER) == Answer(outcome, "service.full")


@pytest.mark.parametrize("body", [b"oops", b"[1]", b'{"code": 7}', b'{"code": ""}'])
def test_an_error_without_a_code_is_named_by_its_status(body: bytes) -> None:
    assert judge(500, {}, body, STARTER).code == "http.500"
