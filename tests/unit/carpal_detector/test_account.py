"""No way out of a request escapes the count, and who wants to know more is told."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from carpal.errors import RequestError
from carpal.imaging.readers import DirectReader
from carpal_detector.account import Accounts
from carpal_detector.audit import Audit
from carpal_detector.errors import OverloadedError
from carpal_detector.logs import Logger
from carpal_detector.metrics import Metrics
from carpal_detector.options import Options
from carpal_detector.reporting import Encoded, report_file
from carpal_detector.served import Served
from carpal_detector.terms import Terms
from carpal_detector.tracing import TRACEPARENT, Caller

HEADERS = {TRACEPARENT: f"00-{'ab' * 16}-{'cd' * 8}-01"}


class Told:
    """A tracer that remembers."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []

    def request(self, **said: Any) -> None:
        self.requests.append(said)

    def close(self) -> None:
        self.requests.append({"closed": True})


@pytest.mark.parametrize(
    ("failure", "labels"),
    [
        (None, {"code": "200", "reason": "ok"}),
        (RequestError("what"), {"code": "400", "reason": "request.invalid"}),
        (OverloadedError("what"), {"code": "429", "reason": "service.overloaded"}),
        (asyncio.CancelledError(), {"code": "499", "reason": "request.cancelled"}),
        (ZeroDivisionError(), {"code": "500", "reason": "internal.unexpected"}),
    ],
)
def test_every_way_out_is_counted_once_and_passed_on(
    served: Served, failure: BaseException | None, labels: dict[str, str]
):
    metrics = Metrics(CollectorRegistry())

    def go() -> None:
        with Accounts(metrics).open("infer", "7", {}) as account:
            account.served = served
            if failure is not None:
                raise failure

    if failure is None:
        go()
    else:
        with pytest.raises(type(failure)):
            go()
    metrics.refresh()
    assert metrics.registry.get_sample_value("carpal_requests_total", {"model": "tiny", **labels}) == 1


def test_the_audit_and_the_trace_are_told_what_was_said(served: Served, grey_png: Callable[..., bytes], tmp_path: Path):
    report = report_file(served.detector, Encoded(grey_png()), Options(), DirectReader(), 0.0)
    tracer = Told()
    accounts = Accounts(Metrics(CollectorRegistry()), Audit(tmp_path / "audit", lambda failure, _again: None), tracer)
    with accounts.open("infer", "7", HEADERS) as account:
        account.served, account.terms, account.reports = served, Terms(tenant="ward"), [report]
    accounts.close()
    line = json.loads((tmp_path / "audit").read_text())
    assert (line["request_id"], line["tenant"], line["digest"]) == ("7", "ward", served.detector.package.digest)
    assert line["images"][0]["record"] == report.record.id
    told, closed = tracer.requests
    assert (told["route"], told["code"], told["model"]) == ("infer", "200", "tiny")
    assert told["caller"] == Caller("ab" * 16, HEADERS[TRACEPARENT])
    assert told["records"] == [report.record]
    assert closed == {"closed": True}


def test_a_failure_says_nothing_of_images(served: Served, tmp_path: Path):
    accounts = Accounts(Metrics(CollectorRegistry()), Audit(tmp_path / "audit", lambda failure, _again: None))

    def fail() -> None:
        with accounts.open("infer", "7", {}) as account:
            account.served = served
            raise RequestError("patient Smith")

    with pytest.raises(RequestError):
        fail()
    text = (tmp_path / "audit").read_text()
    assert (json.loads(text)["reason"], json.loads(text)["images"]) == ("request.invalid", [])
    assert "Smith" not in text


@pytest.mark.parametrize(("failure", "code"), [(None, 200), (OverloadedError("full", retry_after_s=1), 429)])
def test_a_line_says_what_a_request_was_where_that_is_wanted(failure: Exception | None, code: int):
    log = io.StringIO()
    accounts = Accounts(Metrics(CollectorRegistry()), access=Logger(log))
    with suppress(OverloadedError), accounts.open("infer", "7", HEADERS):
        if failure is not None:
            raise failure
    line = json.loads(log.getvalue())
    said = {"event": "request", "request_id": "7", "route": "infer", "code": code, "trace_id": "ab" * 16}
    assert said.items() <= line.items()
    assert line["ms"] >= 0
