"""Callers in a closed loop beside what a test does to the service, and what became of each of their requests."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

INFER = "/v2/models/tiny/infer"


@dataclass
class Load:
    """So many callers, each with one connection that it opens anew where it is told to or has to.

    Attributes:
        leaves: a caller who is told to leave calls no more, as if a balancer had taken it elsewhere.
        statuses: how often each came.
        lost: requests without an answer, as what was raised: a connection that broke after the request was sent.
        refused: connections that could not be made, with nothing sent.
        seconds: of every answer.
    """

    port: int
    body: bytes
    callers: int = 2
    pause_s: float = 0.0
    leaves: bool = False
    statuses: Counter[int] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    refused: int = 0
    seconds: list[float] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._call, daemon=True) for _ in range(self.callers)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a caller hangs"

    def more(self, count: int) -> Any:
        """Whether so many more were answered well than when this was asked for."""
        until = self.statuses[200] + count
        return lambda: self.statuses[200] >= until

    def p99_ms(self) -> float:
        """By nearest rank."""
        waits = sorted(self.seconds)
        return waits[max(-(-99 * len(waits) // 100) - 1, 0)] * 1e3

    def _call(self) -> None:
        connection: http.client.HTTPConnection | None = None
        while not self._over.is_set():
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
                try:
                    connection.connect()
                except OSError:
                    self.refused += 1
                    connection = None
                    time.sleep(0.02)
                    continue
            if not self._ask(connection):
                if self.leaves:
                    return
                connection = None
            self._over.wait(self.pause_s)

    def _ask(self, connection: http.client.HTTPConnection) -> bool:
        """One request; false where its connection is no longer good."""
        begun_s = time.monotonic()
        try:
            connection.request("POST", INFER, self.body, {"Content-Type": "image/png"})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as failure:
            self.lost.append(repr(failure))
            return False
        self.statuses[answer.status] += 1
        self.seconds.append(time.monotonic() - begun_s)
        return answer.getheader("connection") != "close"
