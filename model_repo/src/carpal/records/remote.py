"""Records from a running carpal service: it gets the bytes of the file as they are, and its answer is the record."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from carpal.errors import STATUS, CarpalError, Kind
from carpal.imaging.radiograph import Radiograph
from carpal.imaging.readers import load, read, sniff
from carpal.records.errors import EndpointError
from carpal.records.record import Record

TIMEOUT_S = 60.0
ATTEMPTS = 5
LONGEST_WAIT_S = 10.0
_BUSY = {429, 503}
_KINDS = {status.http: kind for kind, status in STATUS.items()}


class RemoteRecorder:
    """Sends files to ``POST {endpoint}/v2/models/{model}/infer``.

    Args:
        endpoint: address of the service, without a path.
        model: name under which it serves.
        transport: how to reach it, for tests.
        wait: how to wait for a busy service, for tests.
    """

    def __init__(
        self,
        endpoint: str,
        model: str,
        *,
        transport: httpx.BaseTransport | None = None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._url = f"{self._endpoint}/v2/models/{quote(model, safe='')}/infer"
        self._client = httpx.Client(timeout=TIMEOUT_S, transport=transport)
        self._wait = wait

    def record(self, path: Path) -> tuple[Radiograph, Record]:
        """Send one file; it is read here too, for its picture and to refuse what need not travel.

        Raises:
            ImageError: the file cannot be read.
            RemoteError: the service refuses it.
            EndpointError: the service cannot be reached, stays busy, or is none of carpal's.
        """
        body = load(path)
        radiograph = read(body, name=path.stem)
        answer = self._send(body, {"Content-Type": sniff(body), "X-Carpal-Name": quote(path.stem)})
        if answer.status_code != httpx.codes.OK:
            raise _refusal(answer)
        return radiograph, Record.parse_json(answer.content, source=self._url, error=EndpointError)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _send(self, body: bytes, headers: dict[str, str]) -> httpx.Response:
        """Post, and come back as often as a busy service asks for, within reason."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = self._client.post(self._url, content=body, headers=headers)
            except (httpx.HTTPError, httpx.InvalidURL) as failure:
                raise EndpointError(
                    f"{self._endpoint} does not answer: {failure}",
                    "No connection could be made, or it broke.",
                    "Check the address, and that the service is up: `curl {URL}/v2/health/ready`.",
                ) from failure
            if answer.status_code not in _BUSY or attempt == ATTEMPTS:
                return answer
            self._wait(_retry_after_s(answer, attempt))
        raise AssertionError("the last attempt returns")


class RemoteError(CarpalError):
    """The service refused a file; code and kind are those that it gave."""

    def __init__(self, code: str, kind: Kind, what: str, why: str, remedy: str) -> None:
        super().__init__(what, why, remedy)
        self.code = code  # type: ignore[misc]  # a leaf has one code; here it is the one that another process raised
        self.kind = kind  # type: ignore[misc]  # likewise


def _refusal(answer: httpx.Response) -> CarpalError:
    """The error in the body; a busy or failing service, or one that is none of carpal's, ends the whole run."""
    error = _error(answer)
    if error is None or answer.status_code >= 500 or answer.status_code in _BUSY | {404}:
        said = error.get("message", "") if error else ""
        return EndpointError(
            f"{answer.request.url} answers {answer.status_code} {said}".rstrip(),
            (error or {}).get("reason", "") or "A carpal service answers 200 with a record.",
            (error or {}).get("remedy", "") or "Check the address and the model's name.",
        )
    kind = _KINDS.get(answer.status_code, Kind.BAD_INPUT)
    return RemoteError(
        error["code"],
        kind,
        error["message"],
        error.get("reason", ""),
        error.get("remedy", ""),
    )


def _error(answer: httpx.Response) -> dict[str, Any] | None:
    """The service's error document, its sentence under ``message``; None where the body is none of carpal's."""
    try:
        document = answer.json()
    except ValueError:
        return None
    if not isinstance(document, dict) or not {"error", "code"} <= document.keys():
        return None
    return {**document, "message": document["error"]}


def _retry_after_s(answer: httpx.Response, attempt: int) -> float:
    """Seconds that the service asks for, else 0.25 s doubled each time."""
    try:
        asked = float(answer.headers["retry-after"])
    except (KeyError, ValueError):
        asked = 0.125 * 2**attempt
    return min(max(asked, 0.0), LONGEST_WAIT_S)
