"""HTTP connections for greenlets: as many as there are requests on the way, each used by one at a time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from geventhttpclient import HTTPClient

# Servers close connections that idle (uvicorn after 5 s by default); one that is older is not trusted with a request.
IDLE_S = 4.0


@dataclass(frozen=True)
class Reply:
    """One complete HTTP answer; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


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

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        """Send one request and read its whole answer; it is never sent twice.

        Raises:
            OSError, HTTPParseError: the connection could not be made, broke, or carried no HTTP.
        """
        client = self._take()
        try:
            response = client.post(self._prefix + path, body=body, headers=headers)
            reply = Reply(
                response.status_code, {name.lower(): value for name, value in response.items()}, bytes(response.read())
            )
        except BaseException:  # also when the greenlet is killed or times out: the connection is in an unknown state
            client.close()
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
