"""gRPC channels for greenlets. Importing this module puts gRPC under gevent, so only a load process may do it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import Any

import grpc
from grpc.experimental.gevent import init_gevent

from carpal_loadtests.connections import NoAnswerError
from carpal_loadtests.wire import Reply, Request

# One HTTP/2 connection would reach one replica behind a Kubernetes Service; some spread the load as callers do.
CHANNELS = 8
# The HTTP status that each gRPC status stands for (google.rpc.code), for one column in the rows.
HTTP_STATUS = {
    grpc.StatusCode.OK: 200,
    grpc.StatusCode.CANCELLED: 499,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.UNAVAILABLE: 503,
}
SAID_BY_SERVICE = "carpal-code"


class Channels:
    """Several channels to one target, in turn."""

    def __init__(self, target: str, timeout_s: float) -> None:
        init_gevent()
        self._timeout_s = timeout_s
        options = [
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
            ("grpc.use_local_subchannel_pool", 1),
            # A retry that gRPC makes by itself would not be counted.
            ("grpc.enable_retries", 0),
        ]
        self._channels = [grpc.insecure_channel(target, options) for _ in range(CHANNELS)]
        self._turn = cycle(self._channels)
        self._methods: dict[tuple[int, str], Any] = {}

    def send(self, request: Request, headers: Mapping[str, str]) -> Reply:
        """Send one request; see ``Transport``. A failure that the target did not put into words is no answer."""
        metadata = tuple((name.lower(), value) for name, value in headers.items())
        try:
            body, call = self._method(next(self._turn), request.path).with_call(
                request.body, timeout=self._timeout_s, metadata=metadata
            )
        except grpc.RpcError as failure:
            return _refusal(failure)
        return Reply(200, _said(call.trailing_metadata()), body)

    def close(self) -> None:
        """Close every channel."""
        for channel in self._channels:
            channel.close()

    def _method(self, channel: Any, path: str) -> Any:
        key = (id(channel), path)
        if key not in self._methods:
            self._methods[key] = channel.unary_unary(path)
        return self._methods[key]


def _refusal(failure: Any) -> Reply:
    """The answer in a gRPC error.

    Raises:
        TimeoutError: the time of the request ran out here.
        NoAnswerError: it was never answered.
    """
    code, headers = failure.code(), _said(failure.trailing_metadata())
    if SAID_BY_SERVICE not in headers:
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            raise TimeoutError from failure
        if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
            raise NoAnswerError(code.name) from failure
    return Reply(HTTP_STATUS.get(code, 500), headers, (failure.details() or "").encode())


def _said(metadata: Any) -> dict[str, str]:
    return {key: value for key, value in metadata or () if isinstance(value, str)}
