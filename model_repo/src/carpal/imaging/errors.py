"""The leaves of the error tree for images."""

from __future__ import annotations

from carpal.errors import ImageError, Kind


class ImageMissing(ImageError):
    """There is no file at the given path, or it cannot be read."""

    code = "image.not-found"
    kind = Kind.NOT_FOUND


class EmptyImage(ImageError):
    """No bytes at all, or an image without pixels."""

    code = "image.empty"


class NotAnImage(ImageError):
    """Bytes that begin like none of the formats that carpal reads."""

    code = "image.not-an-image"
    kind = Kind.UNSUPPORTED


class Mislabelled(ImageError):
    """The caller's media type is not that of the bytes."""

    code = "image.mislabelled"
    kind = Kind.UNSUPPORTED


class TruncatedImage(ImageError):
    """The file ends before the image does."""

    code = "image.truncated"


class DamagedImage(ImageError):
    """All bytes may be there, but they do not decode."""

    code = "image.damaged"


class TooLarge(ImageError):
    """More bytes or pixels than the limit, known before anything is decoded."""

    code = "image.too-large"
    kind = Kind.TOO_LARGE


class UnsupportedImage(ImageError):
    """A known format in a variety that carpal does not read."""

    code = "image.unsupported"
    kind = Kind.UNSUPPORTED


class NotARadiograph(ImageError):
    """A DICOM object of another kind: CT, ultrasound, a report."""

    code = "image.not-a-radiograph"


class ForProcessing(ImageError):
    """Raw detector data that no vendor processing has made fit to look at."""

    code = "image.for-processing"
