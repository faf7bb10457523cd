"""What an answer is worth: only a 200 with a true record of the right model counts as answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import orjson

from carpal.errors import CarpalError
from carpal.records.record import Model, Record


class Outcome(StrEnum):
    """How one request ended."""

    ANSWERED = "answered"
    SHED = "shed"
    """429 or 503 with Retry-After: refused in good order."""
    REJECTED = "rejected"
    """Any other 4xx."""
    BROKEN = "broken"
    """Any other status, 5xx above all."""
    WRONG = "wrong"
    """200 with a body that is no record, or a record of another model."""
    TIMEOUT = "timeout"
    TRANSPORT = "transport"
    """No HTTP answer at all: refused, reset, cut short. Status 0."""
    DROPPED = "dropped"
    """Not sent, because max_in_flight was reached."""
    OPEN = "open"
    """Sent, and neither answered nor timed out when the run was stopped."""


FAILED = frozenset({Outcome.REJECTED, Outcome.BROKEN, Outcome.WRONG, Outcome.TIMEOUT, Outcome.TRANSPORT})


@dataclass(frozen=True)
class Expected:
    """The model that is asked; its digest tells where a service offers the package under another name (KServe does)."""

    name: str
    digest: str | None = None

    def made(self, model: Model) -> bool:
        """Whether a record of this model is an answer."""
        return model.name == self.name or model.digest == self.digest


@dataclass(frozen=True)
class Answer:
    """The worth of one answer; ``code`` is the service's error code, or one of ``answer.*``."""

    outcome: Outcome
    code: str = ""
    model: Model | None = None


def judge(status: int, headers: Mapping[str, str], body: bytes, expected: Expected) -> Answer:
    """Judge one complete HTTP answer.

    Args:
        status: the HTTP status.
        headers: with names in lower case.
        body: the whole body.
        expected: the model that the record must come from.
    """
    if status == 200:
        return _judge_record(body, expected)
    if status in (429, 503) and "retry-after" in headers:
        return Answer(Outcome.SHED, _code(body, status))
    return Answer(Outcome.REJECTED if 400 <= status < 500 else Outcome.BROKEN, _code(body, status))


def _judge_record(body: bytes, expected: Expected) -> Answer:
    try:
        record = Record.parse_json(body, source="the answer")
    except CarpalError:
        return Answer(Outcome.WRONG, "answer.not-a-record")
    if not expected.made(record.model):
        return Answer(Outcome.WRONG, "answer.other-model", record.model)
    return Answer(Outcome.ANSWERED, model=record.model)


def _code(body: bytes, status: int) -> str:
    """The ``code`` of an error document; the bare status where the body is none."""
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return f"http.{status}"
    code = data.get("code") if isinstance(data, dict) else None
    return code if isinstance(code, str) and 0 < len(code) <= 100 else f"http.{status}"
