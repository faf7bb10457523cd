"""The leaves of the error tree for records and what they are written to."""

from __future__ import annotations

from carpal.errors import DatasetError, Kind, PackageError, ServiceError, UsageError


class NoImagesError(UsageError):
    """Nothing to convert was found."""

    code = "usage.no-images"


class UnknownFormatError(UsageError):
    """A format after ``--to`` that carpal does not write."""

    code = "usage.unknown-format"


class OutputNotWritableError(UsageError):
    """The output folder cannot be written to, or ran full."""

    code = "usage.output-not-writable"
    kind = Kind.UNAVAILABLE


class NameTooLongError(UsageError):
    """An image has a name to which no ending of an output can be added."""

    code = "usage.name-too-long"


class OutputInInputError(UsageError):
    """Images to convert are in a folder to which results would be written."""

    code = "usage.output-in-input"


class EndpointError(ServiceError):
    """The service behind ``--endpoint`` cannot be reached, or answers what no carpal service answers."""

    code = "service.unreachable"


class ClassesDifferError(PackageError):
    """A record names other classes than the first of its run: a file of one class list cannot hold both."""

    code = "package.classes-differ"
    kind = Kind.CONFLICT


class LabelUnreadableError(DatasetError):
    """A label file beside an image, or the list of its classes, breaks its form."""

    code = "dataset.label-unreadable"
