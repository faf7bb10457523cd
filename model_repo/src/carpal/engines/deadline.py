"""Until when somebody wants the answer: known where a request is admitted, needed where a call leaves the process.

What lies between the two (a chain, a network on this machine) has no use for it, so it travels beside them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_UNTIL_S: ContextVar[float | None] = ContextVar("until_s", default=None)


@contextmanager
def before(until_s: float | None) -> Iterator[None]:
    """What runs inside is wanted until then, in seconds of ``time.monotonic``; None: as long as it takes."""
    token = _UNTIL_S.set(until_s)
    try:
        yield
    finally:
        _UNTIL_S.reset(token)


def until_s() -> float | None:
    """Until when the answer is wanted, in seconds of ``time.monotonic``; None: as long as it takes."""
    return _UNTIL_S.get()


def left_s() -> float | None:
    """Seconds that are left, negative where it is too late; None: as long as it takes."""
    until = until_s()
    return None if until is None else until - time.monotonic()
