"""One request for detection, from its first line to its answer: counted, and audited and traced where wanted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from carpal.errors import CarpalError
from carpal_detector.audit import Audit
from carpal_detector.errors import ClientGoneError
from carpal_detector.logs import Logger
from carpal_detector.metrics import Metrics
from carpal_detector.reporting import Reported
from carpal_detector.served import Served
from carpal_detector.terms import NO_TERMS, Terms
from carpal_detector.tracing import TRACEPARENT, Tracer, caller_of


class Accounts:
    """Opens an account for every request.

    Args:
        metrics: count all of them.
        audit: writes a line for each, where there is one.
        tracer: makes spans of each, where there is one.
        access: writes a line for each, where there is one.
    """

    def __init__(
        self,
        metrics: Metrics,
        audit: Audit | None = None,
        tracer: Tracer | None = None,
        access: Logger | None = None,
    ) -> None:
        self.metrics = metrics
        self.audit = audit
        self.tracer = tracer
        self.access = access

    def open(self, route: str, request_id: str, headers: Mapping[str, str]) -> Account:
        """An account, to be used in a ``with``.

        Args:
            route: as it is written in the description, for the span.
            request_id: of the request.
            headers: the caller's ``traceparent`` may be among them.
        """
        return Account(self, route, request_id, headers.get(TRACEPARENT))

    def close(self) -> None:
        """Send and write what is left."""
        if self.tracer is not None:
            self.tracer.close()
        if self.audit is not None:
            self.audit.close()


class Account:
    """What is known of one request; no way out of its ``with`` escapes the count.

    Attributes:
        served: the model, once it is known that there is such a one.
        terms: of the request, once they were read.
        reports: what was said, once it was.
    """

    def __init__(self, accounts: Accounts, route: str, request_id: str, traceparent: str | None) -> None:
        self.served: Served | None = None
        self.terms: Terms = NO_TERMS
        self.reports: Sequence[Reported] = ()
        self._accounts = accounts
        self._route = route
        self._request_id = request_id
        self._caller = caller_of(traceparent)
        self._begun_s = 0.0
        self._begun_ns = 0

    def __enter__(self) -> Self:
        self._accounts.metrics.began()
        self._begun_s = time.perf_counter()
        if self._accounts.tracer is not None:
            self._begun_ns = time.time_ns()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        accounts, served = self._accounts, self.served
        code, reason = outcome(failure)
        model = served.name if served else ""
        seconds = time.perf_counter() - self._begun_s
        accounts.metrics.ended(
            model,
            code,
            reason,
            failure,
            seconds=seconds,
            trace_id=self._caller.trace_id if self._caller else None,
        )
        if accounts.access is not None:
            accounts.access.info(
                "request",
                request_id=self._request_id,
                route=self._route,
                model=model,
                code=int(code),
                reason=reason,
                images=len(self.reports),
                ms=round(seconds * 1e3, 3),
                **({"trace_id": self._caller.trace_id} if self._caller else {}),
            )
        if accounts.audit is None and accounts.tracer is None:
            return
        records = [report.record for report in self.reports] if failure is None else []
        if accounts.audit is not None:
            accounts.audit.note(
                request_id=self._request_id,
                tenant=self.terms.tenant,
                model=model,
                digest=served.detector.package.digest if served else "",
                code=code,
                reason=reason,
                records=records,
            )
        if accounts.tracer is not None:
            accounts.tracer.request(
                route=self._route,
                caller=self._caller,
                begun_ns=self._begun_ns,
                model=model,
                code=code,
                records=records,
            )


def outcome(failure: BaseException | None) -> tuple[str, str]:
    """HTTP status and error code of how a request ended."""
    if failure is None:
        return "200", "ok"
    if isinstance(failure, CarpalError):
        return str(failure.status.http), failure.code
    if isinstance(failure, asyncio.CancelledError):
        return "499", ClientGoneError.code
    return "500", CarpalError.code
