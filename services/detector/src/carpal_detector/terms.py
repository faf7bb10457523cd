"""The terms of a request, whatever wire it came by: until when an answer is wanted, and on whose behalf."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

from carpal.excerpt import excerpt
from carpal_detector.errors import MalformedError

DEADLINE = "x-request-deadline-ms"
# A tenant's key is only compared; a longer one is cut, so that nobody fills memory with keys.
_TENANT_LENGTH = 128


@dataclass(frozen=True)
class Terms:
    """What a caller asked for besides the answer.

    Attributes:
        deadline_s: loop time after which nobody wants the answer.
        tenant: the key under which the caller takes its turn; empty where turns are not kept.
    """

    deadline_s: float | None = None
    tenant: str = ""

    def within(self, timeout_s: float | None) -> Terms:
        """The same, with the nearer of two deadlines."""
        if timeout_s is None:
            return self
        until_s = asyncio.get_running_loop().time() + timeout_s
        return Terms(until_s if self.deadline_s is None else min(self.deadline_s, until_s), self.tenant)


NO_TERMS = Terms()


@dataclass(frozen=True)
class TermsReader:
    """Reads terms from headers.

    Attributes:
        deadline_ms: for callers who name none; None: they wait as long as it takes.
        tenant_header: the header that holds the tenant's key, in small letters; None: turns are not kept.
    """

    deadline_ms: float | None = None
    tenant_header: str | None = None

    def read(self, headers: Mapping[str, str]) -> Terms:
        """The terms of a request.

        Raises:
            MalformedError: the deadline is no number, or negative.
        """
        budget_ms = _deadline_ms(headers) if DEADLINE in headers else self.deadline_ms
        if budget_ms is None and self.tenant_header is None:
            return NO_TERMS
        tenant = headers.get(self.tenant_header, "")[:_TENANT_LENGTH] if self.tenant_header else ""
        return Terms(tenant=tenant).within(None if budget_ms is None else budget_ms / 1e3)


def _deadline_ms(headers: Mapping[str, str]) -> float:
    text = headers[DEADLINE]
    try:
        budget_ms = float(text)
    except ValueError:
        budget_ms = -1.0
    if not (isfinite(budget_ms) and budget_ms >= 0):
        raise MalformedError(
            f"X-Request-Deadline-Ms is {excerpt(text)!r}",
            "It is the milliseconds that you will still wait.",
            "Send a number, 0 or more.",
        )
    return budget_ms
