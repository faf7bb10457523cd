"""The leaves of the error tree for records and what they are written to."""

from __future__ import annotations

from carpal.errors import Kind, ServiceError, UsageError


class NoImagesError(UsageError):
    """Nothing to convert was found."""

    code = "usage.no-images"


class OutputNotWritableError(UsageError):
    """The output folder cannot be written to, or ran full."""

    code = "usage.output-not-writable"
    kind = Kind.UNAVAILABLE


class EndpointError(ServiceError):
    """The service behind ``--endpoint`` cannot be reached, or answers what no carpal service answers."""

    code = "service.unreachable"
