"""What an answer is worth: only a 200 with a true record of the right model and the right image counts as answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from carpal.errors import CarpalError
from carpal.records.record import Finding, Model, Record
from carpal_loadtests.payloads import Payload
from carpal_loadtests.wire import Protocol, Reply, record_in

# Findings are the same where boxes and probabilities differ by no more than engines of one precision do.
BOX_PX = 1.0
PROBABILITY = 0.01
OWN_LIMIT = "generator-"
"""After ``transport.``: the generator's machine could not open a connection, so the target was not asked."""


class Outcome(StrEnum):
    """How one request ended."""

    ANSWERED = "answered"
    REFUSED = "refused"
    """A bad input that was refused with 4xx, as it should be."""
    SHED = "shed"
    """429 or 503 with Retry-After: refused in good order."""
    REJECTED = "rejected"
    """Any other 4xx to a good input."""
    BROKEN = "broken"
    """Any other status, 5xx above all."""
    WRONG = "wrong"
    """200 with no record, a record of another model or image, other findings than expected, or to a bad input."""
    TIMEOUT = "timeout"
    TRANSPORT = "transport"
    """No answer at all: refused, reset, cut short. Status 0."""
    DROPPED = "dropped"
    """Not sent, because max_in_flight was reached."""
    OPEN = "open"
    """Sent, and neither answered nor timed out when the run was stopped."""


FAILED = frozenset({Outcome.REJECTED, Outcome.BROKEN, Outcome.WRONG, Outcome.TIMEOUT, Outcome.TRANSPORT})
GOOD = frozenset({Outcome.ANSWERED, Outcome.REFUSED})


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


class Judge:
    """Judges answers; what was validated once is recognised again, so that judging costs the load process little.

    Args:
        protocol: where the record stands in an answer.
        expected: the model that records must come from.
        findings: by digest of the payload, where the scenario expects any.
    """

    def __init__(
        self, protocol: Protocol, expected: Expected, findings: Mapping[str, Sequence[Finding]] | None = None
    ) -> None:
        self._protocol = protocol
        self._expected = expected
        self._findings = findings or {}
        self._known: dict[str, tuple[dict[str, Any], Answer]] = {}

    def judge(self, reply: Reply, payload: Payload) -> Answer:
        """Judge one complete answer to a payload."""
        status = reply.status
        if status == 200:
            return self._judge_record(reply, payload)
        if status in (429, 503) and "retry-after" in reply.headers:
            return Answer(Outcome.SHED, _code(reply))
        if 400 <= status < 500 and status != 429:
            return Answer(Outcome.REFUSED if payload.bad else Outcome.REJECTED, _code(reply))
        return Answer(Outcome.REJECTED if status == 429 else Outcome.BROKEN, _code(reply))

    def _judge_record(self, reply: Reply, payload: Payload) -> Answer:
        if payload.bad:
            return Answer(Outcome.WRONG, "answer.took-a-bad-input")
        try:
            body = record_in(self._protocol, reply)
            data = orjson.loads(body)
        except ValueError:
            return Answer(Outcome.WRONG, "answer.not-a-record")
        timings = data.pop("timings", None) if isinstance(data, dict) else None
        known, answer = self._known.get(payload.digest, (None, None))
        # The same but for its timings, and those still numbers: the same record was validated before.
        if answer is not None and data == known and _are_timings(timings):
            return answer
        answer = self._validate(body, payload)
        if answer.outcome is Outcome.ANSWERED:
            self._known[payload.digest] = (data, answer)
        return answer

    def _validate(self, body: bytes, payload: Payload) -> Answer:
        try:
            record = Record.parse_json(body, source="the answer")
        except CarpalError:
            return Answer(Outcome.WRONG, "answer.not-a-record")
        if not self._expected.made(record.model):
            return Answer(Outcome.WRONG, "answer.other-model", record.model)
        if record.source.digest != payload.digest:
            return Answer(Outcome.WRONG, "answer.other-image", record.model)
        wanted = self._findings.get(payload.digest)
        if wanted is not None and not same_findings(wanted, record.findings):
            return Answer(Outcome.WRONG, "answer.other-findings", record.model)
        return Answer(Outcome.ANSWERED, model=record.model)


def same_findings(wanted: Sequence[Finding], found: Sequence[Finding]) -> bool:
    """Whether two lists say the same: each label and status as often, boxes within 1 px, probabilities within 0.01."""
    left = list(found)
    for finding in wanted:
        match = next((other for other in left if _same(finding, other)), None)
        if match is None:
            return False
        left.remove(match)
    return not left


def _same(one: Finding, other: Finding) -> bool:
    corners = ((one.box.x0, other.box.x0), (one.box.y0, other.box.y0), (one.box.x1, other.box.x1))
    return (
        one.label == other.label
        and one.status == other.status
        and abs(one.probability - other.probability) <= PROBABILITY
        and all(abs(a - b) <= BOX_PX for a, b in (*corners, (one.box.y1, other.box.y1)))
    )


def _are_timings(timings: Any) -> bool:
    return isinstance(timings, dict) and all(
        isinstance(value, int | float) and value >= 0 and key.endswith("_ms") for key, value in timings.items()
    )


def _code(reply: Reply) -> str:
    """The ``code`` of an error document or of gRPC's trailing metadata; the bare status where there is none."""
    code: Any = reply.headers.get("carpal-code")
    if code is None:
        try:
            data = orjson.loads(reply.body)
        except orjson.JSONDecodeError:
            data = None
        code = data.get("code") if isinstance(data, dict) else None
    return code if isinstance(code, str) and 0 < len(code) <= 100 else f"http.{reply.status}"
