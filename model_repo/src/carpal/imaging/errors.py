"""The leaves of the error tree for images."""

from __future__ import annotations

from carpal.errors import ImageError, Kind


class ImageMissingError(ImageError):
    """There is no file at the given path, or it cannot be read."""

    code = "image.not-found"
    kind = Kind.NOT_FOUND


class EmptyImageError(ImageError):
    """No bytes at all, or an image without pixels."""

    code = "image.empty"


class NotAnImageError(ImageError):
    """Bytes that begin like none of the formats that carpal reads."""

    code = "image.not-an-image"
    kind = Kind.UNSUPPORTED


class MislabelledError(ImageError):
    """The caller's media type is not that of the bytes."""

    code = "image.mislabelled"
    kind = Kind.UNSUPPORTED


class TruncatedImageError(ImageError):
    """The file ends before the image does."""

    code = "image.truncated"


class DamagedImageError(ImageError):
    """All bytes may be there, but they do not decode."""

    code = "image.damaged"


class TooLargeError(ImageError):
    """More bytes or pixels than the limit, known before anything is decoded."""

    code = "image.too-large"
    kind = Kind.TOO_LARGE


class UnsupportedImageError(ImageError):
    """A known format in a variety that carpal does not read."""

    code = "image.unsupported"
    kind = Kind.UNSUPPORTED


class NotARadiographError(ImageError):
    """A DICOM object of another kind: CT, ultrasound, a report."""

    code = "image.not-a-radiograph"


class ForProcessingError(ImageError):
    """Raw detector data that no vendor processing has made fit to look at."""

    code = "image.for-processing"


class NoSuchFrameError(ImageError):
    """A frame, page or window that the file does not have was asked for."""

    code = "image.no-such-frame"
    kind = Kind.BAD_INPUT


class DecoderTimeoutError(ImageError):
    """Decoding in the worker process took longer than the limit; the worker was ended."""

    code = "image.decoder-timeout"


class DecoderMemoryError(ImageError):
    """Decoding in the worker process needed more memory than the limit."""

    code = "image.decoder-memory"
    kind = Kind.TOO_LARGE


class DecoderCrashedError(ImageError):
    """The worker process died while it decoded this file; it is replaced."""

    code = "image.decoder-crashed"


class DecoderUnavailableError(ImageError):
    """No worker process can be started, so nothing is known of the file."""

    code = "image.decoder-unavailable"
    kind = Kind.UNAVAILABLE
