"""Bytes of requests that the process holds at once: accounted before they are buffered, so that memory has a bound."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from carpal_detector.errors import OverloadedError


class Budget:
    """So many bytes, and no more.

    Args:
        limit_bytes: over all requests that are being read, that wait or that are at work.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.held_bytes = 0

    def lease(self) -> Lease:
        """What one request will hold; nothing yet."""
        return Lease(self)


class Lease:
    """The share of one request; given back at the end of its ``with``."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._bytes = 0

    def grow(self, size_bytes: int) -> None:
        """Hold so many bytes more.

        Raises:
            OverloadedError: others hold them.
        """
        budget = self._budget
        # Whoever is alone may always hold what the limit on one body allows.
        if budget.held_bytes + size_bytes > budget.limit_bytes and budget.held_bytes > self._bytes:
            raise OverloadedError(
                f"The service holds {budget.held_bytes} bytes of requests",
                f"It takes no more than {budget.limit_bytes} at once, so that its memory has a bound.",
                "Send the request again after the seconds that Retry-After names.",
            )
        budget.held_bytes += size_bytes
        self._bytes += size_bytes

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._budget.held_bytes -= self._bytes
        self._bytes = 0
