"""HTTP connections for greenlets: as many as there are requests on the way, each used by one at a time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlsplit

from geventhttpclient import HTTPClient
from geventhttpclient.response import HTTPParseError

from carpal_loadtests.wire import Reply, Request

# Servers close connections that idle (uvicorn after 5 s by default); one that is older is not trusted with a request.
IDLE_S = 4.0


class NoAnswerError(Exception):
    """The target gave no answer at all; the message is the end of a ``transport.*`` code."""


class Transport(Protocol):
    """A way to the target, shared by all greenlets of a process."""

    def send(self, request: Request, headers: Mapping[str, str]) -> Reply:
        """Send one request once and read its whole answer.

        Raises:
            NoAnswerError: the connection could not be made, broke, or carried something else.
            TimeoutError: no whole answer in time.
        """

    def close(self) -> None:
        """Close every connection."""


class Connections:
    """Keeps idle connections to one target and opens more without limit: a request never waits for one to be free.

    The limit on requests at once is the scenario's ``max_in_flight``, where it is seen and counted.
    """

    def __init__(self, target: str, timeout_s: float) -> None:
        parts = urlsplit(target)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._prefix = parts.path.rstrip("/")
        self._timeout_s = timeout_s
        self._idle: list[tuple[float, HTTPClient]] = []

    def send(self, request: Request, headers: Mapping[str, str]) -> Reply:
        """Send one request; see ``Transport``."""
        client = self._take()
        try:
            response = client.post(
                self._prefix + request.path, body=request.body, headers={**request.headers, **headers}
            )
            reply = Reply(
                response.status_code, {name.lower(): value for name, value in response.items()}, bytes(response.read())
            )
        except BaseException as failure:  # also a killed greenlet: the connection is in an unknown state
            client.close()
            if isinstance(failure, OSError | HTTPParseError) and not isinstance(failure, TimeoutError):
                raise NoAnswerError(type(failure).__name__) from failure
            raise
        self._idle.append((time.perf_counter(), client))
        return reply

    def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            self._idle.pop()[1].close()

    def _take(self) -> HTTPClient:
        while self._idle:
            since, client = self._idle.pop()
            if time.perf_counter() - since < IDLE_S:
                return client
            client.close()
        return HTTPClient.from_url(
            self._origin, concurrency=1, connection_timeout=self._timeout_s, network_timeout=self._timeout_s
        )
