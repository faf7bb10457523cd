"""The outermost layer of REST: every answer carries a request id, every failure has the one shape."""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from itertools import count
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from carpal.errors import CarpalError
from carpal.excerpt import excerpt
from carpal_detector.bodies import CONTENT_ENCODING
from carpal_detector.errors import RetryLaterError, UnknownMethodError, UnknownRouteError, unexpected
from carpal_detector.lifecycle import Lifecycle
from carpal_detector.logs import Logger, place

REQUEST_ID = "x-request-id"
MAX_SAID = 600  # characters of each part of an error
MAX_PATH = 200  # characters of a path in an error
# What is taken over from a caller: nothing that could break a log line or carry much.
_PLAIN_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


class RequestIds:
    """Ids for requests that bring none: random in front, once, and a number; a UUID for each would cost more than
    finding its route."""

    def __init__(self) -> None:
        self._prefix = uuid.uuid4().hex
        self._numbers = count(1)

    def of(self, given: str | None) -> str:
        """The caller's request id where it is plain, else a new one."""
        return given if given and _PLAIN_ID.fullmatch(given) else f"{self._prefix}-{next(self._numbers):x}"


def bounded(failure: CarpalError) -> dict[str, str]:
    """The parts of an error as callers get them: a name or value of theirs, however long, is given in part."""
    return {key: excerpt(text, MAX_SAID) for key, text in failure.as_dict().items()}


def document(failure: CarpalError, request_id: str) -> dict[str, str]:
    """The error as JSON; ``error`` is a string, as clients of KServe and Triton expect."""
    said = bounded(failure)
    return {"error": said.pop("message"), **said, "request_id": request_id}


class Envelope:
    """Wraps an ASGI application; its routes raise, and here it becomes an answer."""

    def __init__(self, app: ASGIApp, lifecycle: Lifecycle, logger: Logger) -> None:
        self._app = app
        self._lifecycle = lifecycle
        self._logger = logger
        self._ids = RequestIds()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens inside."""
        if scope["type"] != "http":
            return
        headers = headers_of(scope)
        request_id = self._ids.of(headers.get(REQUEST_ID))
        started = False

        async def stamp(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                answer = message["headers"]
                answer.append((REQUEST_ID.encode(), request_id.encode()))
                if self._lifecycle.leaving:
                    answer.append((b"connection", b"close"))
            await send(message)

        try:
            # The router raises HTTPException for a wrong method only where it thinks that an application surrounds it.
            await self._app(
                {**scope, "app": self._app, "request_id": request_id, "plain_headers": headers}, receive, stamp
            )
        except CarpalError as failure:
            await _answer(failure, request_id)(scope, receive, stamp)
        except HTTPException as failure:
            await _answer(_unknown_method(scope, failure), request_id)(scope, receive, stamp)
        except Exception as failure:
            self._logger.error("request failed", request_id=request_id, **place(failure))
            if not started:
                await _answer(unexpected(request_id), request_id)(scope, receive, stamp)


async def no_such_route(scope: Scope, _receive: Receive, _send: Send) -> None:
    """The router's answer where no path fits."""
    raise UnknownRouteError(
        f"There is no path {excerpt(scope['path'], MAX_PATH)}",
        "It is none of the service's routes.",
        "See / and /openapi.json for what there is.",
    )


def headers_of(scope: Scope) -> dict[str, str]:
    """Headers by lower-cased name, decoded once. The first value wins if a header is repeated.

    Content-Encoding is a list, so that repeated lines are one list (RFC 9110, 5.3): none of them may go unnoticed.
    """
    headers: dict[str, str] = {}
    for key, value in scope["headers"]:
        name = key.decode("latin-1")
        if name == CONTENT_ENCODING and name in headers:
            headers[name] += f", {value.decode('latin-1')}"
        else:
            headers.setdefault(name, value.decode("latin-1"))
    return headers


class Endpoint:
    """A route's own ASGI application; starlette's wrapper around functions would handle exceptions a second time."""

    def __init__(self, answer: Callable[[Request], Awaitable[Response]]) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)


def json_response(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(data), status, headers, "application/json")


def _answer(failure: CarpalError, request_id: str) -> Response:
    headers = {}
    if isinstance(failure, RetryLaterError):
        headers["retry-after"] = str(failure.retry_after_s)
    if isinstance(failure, UnknownMethodError):
        headers["allow"] = failure.allowed
    return json_response(document(failure, request_id), failure.status.http, headers)


def _unknown_method(scope: Scope, failure: HTTPException) -> UnknownMethodError:
    allowed = ", ".join(sorted((failure.headers or {}).get("Allow", "").split(", ")))
    return UnknownMethodError(
        f"There is no {scope['method']} {excerpt(scope['path'], MAX_PATH)}",
        f"The path takes {allowed}.",
        "See /openapi.json.",
        allowed=allowed,
    )
