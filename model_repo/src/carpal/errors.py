"""The one error tree of carpal: every failure that a caller can meet, with a stable code and a remedy.

::

    CarpalError
    ├── UsageError            usage.*        a command or call was given something it cannot take
    ├── ConfigError           config.*       a document (manifest, recipe, scenario) breaks its closed schema
    ├── ImageError            image.*        bytes that are no radiograph we can read
    ├── PackageError          package.*      a model package that is incomplete, altered or at odds with itself
    ├── RepositoryError       repository.*   a name, version or channel that is not there, or a conflict
    ├── EngineError           engine.*       a network that does not load or run
    ├── DatasetError          dataset.*      images and labels that do not fit together
    ├── TrainingError         training.*     a training run that cannot start or go on
    ├── GateError             gate.*         a check that was run and failed
    ├── RequestError          request.*      a request to the service that it cannot take
    ├── ServiceError          service.*      the service cannot answer now
    └── LoadError             load.*         a load test that cannot run

A leaf sets ``code`` and ``kind``. Each distribution keeps its own leaves beside the code that raises them.
``STATUS`` is the only place that says what a kind means to HTTP, gRPC and a shell.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar


class Kind(Enum):
    """What sort of failure an error is, whatever the transport that reports it."""

    BAD_INPUT = "bad input"
    NOT_FOUND = "not found"
    NOT_ALLOWED = "not allowed"
    SLOW = "slow"
    CONFLICT = "conflict"
    UNSUPPORTED = "unsupported"
    TOO_LARGE = "too large"
    UNPROCESSABLE = "unprocessable"
    FAILED_CHECK = "failed check"
    OVERLOADED = "overloaded"
    CANCELLED = "cancelled"
    UNAVAILABLE = "unavailable"
    DEADLINE = "deadline"
    INTERNAL = "internal"


@dataclass(frozen=True)
class Status:
    """How one kind of failure is said: HTTP status (RFC 9110), gRPC status code (number), process exit code."""

    http: int
    grpc: int
    exit: int


STATUS: dict[Kind, Status] = {
    Kind.BAD_INPUT: Status(400, 3, 2),  # INVALID_ARGUMENT
    Kind.NOT_FOUND: Status(404, 5, 2),  # NOT_FOUND
    Kind.NOT_ALLOWED: Status(405, 12, 2),  # UNIMPLEMENTED
    Kind.SLOW: Status(408, 4, 2),  # DEADLINE_EXCEEDED
    Kind.CONFLICT: Status(409, 10, 2),  # ABORTED
    Kind.UNSUPPORTED: Status(415, 3, 2),  # INVALID_ARGUMENT
    Kind.TOO_LARGE: Status(413, 8, 2),  # RESOURCE_EXHAUSTED
    Kind.UNPROCESSABLE: Status(422, 3, 2),  # INVALID_ARGUMENT
    Kind.FAILED_CHECK: Status(412, 9, 1),  # FAILED_PRECONDITION
    Kind.OVERLOADED: Status(429, 8, 2),  # RESOURCE_EXHAUSTED
    Kind.CANCELLED: Status(499, 1, 130),  # CANCELLED
    Kind.UNAVAILABLE: Status(503, 14, 2),  # UNAVAILABLE
    Kind.DEADLINE: Status(504, 4, 2),  # DEADLINE_EXCEEDED
    Kind.INTERNAL: Status(500, 13, 2),  # INTERNAL
}


class CarpalError(Exception):
    """The root: what went wrong (with the value), why, and what to do about it.

    Args:
        what: one sentence, with the offending value; what a library said over several lines becomes one.
        why: the rule or circumstance behind it.
        remedy: what the reader can do now.
    """

    code: ClassVar[str] = "internal.unexpected"
    kind: ClassVar[Kind] = Kind.INTERNAL

    def __init__(self, what: str, why: str = "", remedy: str = "") -> None:
        self.what = " ".join(what.split()) if "\n" in what else what
        super().__init__(self.what)
        self.why = why
        self.remedy = remedy

    @property
    def status(self) -> Status:
        """How this failure is said over HTTP, gRPC and by exit code."""
        return STATUS[self.kind]

    def as_dict(self) -> dict[str, str]:
        """The error as every machine interface shows it: code, message, reason, remedy."""
        return {"code": self.code, "message": self.what, "reason": self.why, "remedy": self.remedy}

    def __str__(self) -> str:
        lines = [f"[{self.code}] {self.what}", self.why, self.remedy]
        return "\n".join(line for line in lines if line)


class UsageError(CarpalError):
    """A command or call was given something it cannot take."""

    code = "usage.invalid"
    kind = Kind.BAD_INPUT


class ConfigError(CarpalError):
    """A document breaks its closed schema: an unknown key, a missing one, a value out of range."""

    code = "config.invalid"
    kind = Kind.BAD_INPUT


class ImageError(CarpalError):
    """Bytes that are no radiograph we can read."""

    code = "image.unreadable"
    kind = Kind.UNPROCESSABLE


class PackageError(CarpalError):
    """A model package that is incomplete, altered or at odds with itself."""

    code = "package.invalid"
    kind = Kind.UNPROCESSABLE


class RepositoryError(CarpalError):
    """A name, version or channel that is not in the repository."""

    code = "repository.not-found"
    kind = Kind.NOT_FOUND


class EngineError(CarpalError):
    """A network that does not load or run."""

    code = "engine.failed"
    kind = Kind.UNPROCESSABLE


class DatasetError(CarpalError):
    """Images and labels that do not fit together."""

    code = "dataset.invalid"
    kind = Kind.BAD_INPUT


class TrainingError(CarpalError):
    """A training run that cannot start or go on."""

    code = "training.failed"
    kind = Kind.BAD_INPUT


class GateError(CarpalError):
    """A check was run and it failed."""

    code = "gate.failed"
    kind = Kind.FAILED_CHECK


class RequestError(CarpalError):
    """A request to the service that it cannot take."""

    code = "request.invalid"
    kind = Kind.BAD_INPUT


class ServiceError(CarpalError):
    """The service cannot answer now."""

    code = "service.unavailable"
    kind = Kind.UNAVAILABLE


class LoadError(CarpalError):
    """A load test that cannot run."""

    code = "load.invalid"
    kind = Kind.BAD_INPUT
