"""Which findings are right: those that the target gave before the load, or those of records made elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from carpal.errors import CarpalError
from carpal.records.record import Finding, Record
from carpal_loadtests.answers import Judge, Outcome
from carpal_loadtests.errors import FindingsError
from carpal_loadtests.payloads import Payload
from carpal_loadtests.plan import Plan
from carpal_loadtests.scenario import AnyRecord, AtRest, Records
from carpal_loadtests.target import Target
from carpal_loadtests.wire import Protocol, Reply, encode, record_in

Findings = Mapping[str, Sequence[Finding]]


def expected_findings(expect: AnyRecord | AtRest | Records, base: Path, plan: Plan, target: Target) -> Findings:
    """Findings by digest of the payload; none where any are right.

    Args:
        expect: what the scenario asks for.
        base: the folder that its path is relative to.
        plan: whose good payloads are to be answered.
        target: asked for each payload once, one after the other, where the scenario says at rest.

    Raises:
        FindingsError: the target does not answer a payload at rest, or a record is unreadable or missing.
    """
    good = [payload for payload in plan.payloads if not payload.bad]
    if isinstance(expect, AtRest):
        return _at_rest(good, plan, target)
    if isinstance(expect, Records):
        return _recorded(base / expect.path, good)
    return {}


def _at_rest(good: Sequence[Payload], plan: Plan, target: Target) -> Findings:
    found = {}
    with httpx.Client(timeout=plan.scenario.timeout_s, trust_env=False) as client:
        for payload in good:
            # As the protocol says it would be sent, but over HTTP.
            protocol: Protocol = "v2-binary" if payload.tensor else "image"
            judge, request = Judge(protocol, plan.expected), encode(protocol, payload, plan.model)
            try:
                answer = client.post(target.url + request.path, content=request.body, headers=dict(request.headers))
                reply = Reply(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, answer.content)
                worth = judge.judge(reply, payload)
            except httpx.HTTPError as failure:
                raise _not_at_rest(payload, str(failure) or type(failure).__name__) from failure
            if worth.outcome is not Outcome.ANSWERED:
                raise _not_at_rest(payload, f"{worth.outcome.value} {worth.code}".strip())
            found[payload.digest] = Record.parse_json(record_in(protocol, reply), source="the answer").findings
    return found


def _not_at_rest(payload: Payload, how: str) -> FindingsError:
    return FindingsError(
        f"{payload.name} is not answered well at rest: {how}",
        "What fails without load is no matter for a load test.",
        "Correct the target or take the payload out.",
    )


def _recorded(path: Path, good: Sequence[Payload]) -> Findings:
    try:
        lines = [line for line in path.read_bytes().splitlines() if line.strip()]
        records = [Record.parse_json(line, source=path) for line in lines]
    except (OSError, CarpalError) as failure:
        raise FindingsError(
            f"{path} holds no records: {failure}",
            "Expected findings come as JSON lines of records.",
            "Make them with carpal convert IMAGES --model NAME --out DIR.",
        ) from failure
    found = {record.source.digest: record.findings for record in records}
    for payload in good:
        if payload.digest not in found:
            raise FindingsError(
                f"{path} has no record of {payload.name}",
                "Every good payload needs its expected findings.",
                "Convert it with the others, or take it out of the payloads.",
            )
    return found
