"""The service's leaves of carpal's error tree.

::

    RequestError
    ├── UnknownRouteError     request.unknown-route   no such path
    ├── UnknownMethodError    request.unknown-method  the path is there, but not with this method
    ├── UnknownModelError     request.unknown-model   not the model, or not the version, that is served
    ├── MalformedError        request.malformed       JSON, parameters or headers that break the protocol
    ├── BadTensorError        request.tensor          an input at odds with itself or with the model's metadata
    ├── WrongMediaTypeError   request.media-type      a content type or encoding that is not taken
    ├── BodyTooLargeError     request.too-large       more bytes, or more images, than the service takes
    ├── SlowBodyError         request.slow            the body did not arrive in time
    ├── DeadlinePassedError   request.deadline        the caller's deadline came before its turn
    └── ClientGoneError       request.cancelled       the caller hung up
    ServiceError
    ├── NotReadyError         service.not-ready       no warm model yet
    ├── OverloadedError       service.overloaded      the queue is full
    ├── WaitTooLongError      service.wait-too-long   the deadline would pass before its turn
    ├── DrainingError         service.draining        the process is about to end
    ├── TracingMissingError   service.tracing-missing the extra for traces is not installed
    ├── WorkerFailedError     service.worker-failed   a worker process does not start
    ├── PortInUseError        service.port-in-use     another process has the port
    └── CannotBindError       service.cannot-bind     the address cannot be listened on
"""

from __future__ import annotations

from carpal.errors import CarpalError, Kind, RequestError, ServiceError


class UnknownRouteError(RequestError):
    """No such path."""

    code = "request.unknown-route"
    kind = Kind.NOT_FOUND


class UnknownMethodError(RequestError):
    """The path is there, but not with this method.

    Attributes:
        allowed: the methods that it takes, for the Allow header (RFC 9110).
    """

    code = "request.unknown-method"
    kind = Kind.NOT_ALLOWED

    def __init__(self, what: str, why: str = "", remedy: str = "", *, allowed: str = "") -> None:
        super().__init__(what, why, remedy)
        self.allowed = allowed


class UnknownModelError(RequestError):
    """Not the model, or not the version, that is served."""

    code = "request.unknown-model"
    kind = Kind.NOT_FOUND


class MalformedError(RequestError):
    """JSON, parameters or headers that break the protocol."""

    code = "request.malformed"


class BadTensorError(RequestError):
    """An input at odds with itself or with the model's metadata."""

    code = "request.tensor"


class WrongMediaTypeError(RequestError):
    """A content type or encoding that is not taken."""

    code = "request.media-type"
    kind = Kind.UNSUPPORTED


class BodyTooLargeError(RequestError):
    """More bytes, or more images, than the service takes at once."""

    code = "request.too-large"
    kind = Kind.TOO_LARGE


class SlowBodyError(RequestError):
    """The body did not arrive in time."""

    code = "request.slow"
    kind = Kind.SLOW


class DeadlinePassedError(RequestError):
    """The caller's deadline came before its turn; nothing was computed."""

    code = "request.deadline"
    kind = Kind.DEADLINE


class ClientGoneError(RequestError):
    """The caller hung up before its answer."""

    code = "request.cancelled"
    kind = Kind.CANCELLED


class RetryLaterError(ServiceError):
    """The service cannot answer now, and says when to try again.

    Attributes:
        retry_after_s: whole seconds, for the Retry-After header (RFC 9110).
    """

    def __init__(self, what: str, why: str = "", remedy: str = "", *, retry_after_s: int = 1) -> None:
        super().__init__(what, why, remedy)
        self.retry_after_s = retry_after_s


class NotReadyError(RetryLaterError):
    """No warm model yet."""

    code = "service.not-ready"


class OverloadedError(RetryLaterError):
    """The queue is full."""

    code = "service.overloaded"
    kind = Kind.OVERLOADED


class WaitTooLongError(RetryLaterError):
    """By what jobs take now, the deadline would pass before its turn."""

    code = "service.wait-too-long"
    kind = Kind.OVERLOADED


class DrainingError(RetryLaterError):
    """The process is about to end."""

    code = "service.draining"


class TracingMissingError(ServiceError):
    """The extra for traces is not installed."""

    code = "service.tracing-missing"
    kind = Kind.BAD_INPUT


class WorkerFailedError(ServiceError):
    """A worker process does not start."""

    code = "service.worker-failed"
    kind = Kind.BAD_INPUT


class PortInUseError(ServiceError):
    """Another process has the port."""

    code = "service.port-in-use"
    kind = Kind.CONFLICT


class CannotBindError(ServiceError):
    """The address cannot be listened on."""

    code = "service.cannot-bind"
    kind = Kind.BAD_INPUT


def unexpected(request_id: str) -> CarpalError:
    """What a caller is told of a failure that nobody foresaw: its request id, and nothing of its inside."""
    return CarpalError(
        "The service failed on this request",
        "This is a defect of the service, not of the request; it was logged under the request id.",
        f"Report it with the request id {request_id}.",
    )
