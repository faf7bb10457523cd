"""Radiographs from files and bytes, told apart by their content and never by their suffix."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from carpal.imaging.bmp import BMP_SIGNATURE, read_bmp
from carpal.imaging.errors import ImageMissingError, MislabelledError, NoSuchFrameError, NotAnImageError
from carpal.imaging.limits import Limits
from carpal.imaging.options import ReadOptions
from carpal.imaging.radiograph import Radiograph, digest_of
from carpal.imaging.raster import JPEG_SIGNATURE, PNG_SIGNATURE, Raster, read_jpeg, read_png
from carpal.imaging.stem import parse_stem
from carpal.imaging.tiff import TIFF_SIGNATURES, read_tiff
from carpal.records.record import PixelSpacing, Source

PNG, JPEG, TIFF, BMP, DICOM = "image/png", "image/jpeg", "image/tiff", "image/bmp", "application/dicom"
SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".dcm", ".dicom")
SNIFFED_BYTES = 132
_DICOM_PREAMBLE = 128
_ALIASES = {
    "image/jpg": JPEG,
    "image/x-png": PNG,
    "image/tif": TIFF,
    "image/x-tiff": TIFF,
    "image/x-ms-bmp": BMP,
    "image/x-bmp": BMP,
    "image/dicom-rle": DICOM,
}
# A file without preamble begins with its first element, of group 0002 or 0008: the tag, then its VR, or its length
# where VRs are implicit (at most 64 bytes for the elements that can come first).
_BARE_DICOM = re.compile(
    rb"(\x02\0[\0-\x02]\0(UL|OB|UI)|\x08\0..[A-Z]{2}|\0\x08..[A-Z]{2}|\x08\0[\0-\x18]\0[\x02-\x40]\0\0\0)", re.DOTALL
)


class Reader(Protocol):
    """Turns files into radiographs; safe to call from several threads at once."""

    def read(self, source: str | Path | bytes, *, name: str | None = None, media_type: str | None = None) -> Radiograph:
        """Raises ImageError for what cannot be read."""

    def start(self) -> None:
        """Begin to get ready, and wait for nothing."""

    def warm_up(self) -> None:
        """Be ready for the first file.

        Raises:
            DecoderUnavailableError: it cannot be.
        """

    def close(self) -> None:
        """Free what it holds."""


@dataclass(frozen=True)
class DirectReader:
    """Reads in this process; ``carpal.imaging.isolation.IsolatedReader`` does it in others.

    Attributes:
        limits: bounds that are checked before anything is decoded.
        patient_salt: secret for pseudonyms of DICOM patients; None to write none.
        options: which frame and window, and what is let in.
    """

    limits: Limits | None = None
    patient_salt: bytes | None = None
    options: ReadOptions | None = None

    def read(self, source: str | Path | bytes, *, name: str | None = None, media_type: str | None = None) -> Radiograph:
        """As the function ``read``, which it calls."""
        return read(
            source,
            name=name,
            media_type=media_type,
            limits=self.limits,
            patient_salt=self.patient_salt,
            options=self.options,
        )

    def start(self) -> None:
        """There is nothing to start."""

    def warm_up(self) -> None:
        """There is nothing to wait for."""

    def close(self) -> None:
        """Nothing is held."""


def read(
    source: str | Path | bytes,
    *,
    name: str | None = None,
    media_type: str | None = None,
    limits: Limits | None = None,
    patient_salt: bytes | None = None,
    options: ReadOptions | None = None,
) -> Radiograph:
    """Read a PNG, JPEG, TIFF, BMP or DICOM radiograph.

    Args:
        source: a path, or the bytes of a file.
        name: what the record calls the image; the file's stem by default.
        media_type: what the caller says it is; refused where the bytes say otherwise, unless it is a general one.
        limits: bounds that are checked before anything is decoded.
        patient_salt: secret that turns a DICOM PatientID into a pseudonym; without one no patient key is written.
        options: which frame and window, and what is let in that is refused by default.

    Raises:
        ImageError: a leaf of ``carpal.imaging.errors``.
    """
    limits, options = limits or Limits(), options or ReadOptions()
    if isinstance(source, bytes):
        body = source
        limits.check_bytes(len(body))
    else:
        path = Path(source)
        body, name = load(path, limits), name or path.stem
    found = sniff(body)
    _check_label(media_type, found)
    if found == DICOM:
        from carpal.imaging.dicom import read_dicom  # pydicom takes 0.5 s to import, which a PNG need not pay

        return read_dicom(body, name=name, limits=limits, patient_salt=patient_salt, options=options)
    raster = _raster(body, found, limits, options.frame)
    return Radiograph(raster.pixels, partial(_source, body, raster, found, name))


def _raster(body: bytes, media_type: str, limits: Limits, frame: int) -> Raster:
    if media_type == TIFF:
        return read_tiff(body, limits, frame)
    if frame > 1:
        raise NoSuchFrameError(
            f"frame {frame} of {media_type} was asked for", "Such a file has one.", "Ask for frame 1."
        )
    return {PNG: read_png, JPEG: read_jpeg, BMP: read_bmp}[media_type](body, limits)


def sniff(body: bytes) -> str:
    """The media type that the bytes have.

    Raises:
        NotAnImageError: none that carpal reads.
    """
    if body.startswith(PNG_SIGNATURE):
        return PNG
    if body.startswith(JPEG_SIGNATURE):
        return JPEG
    if body[_DICOM_PREAMBLE : _DICOM_PREAMBLE + 4] == b"DICM":
        return DICOM
    if body.startswith(TIFF_SIGNATURES):
        return TIFF
    if body.startswith(BMP_SIGNATURE) and 0 < int.from_bytes(body[14:18], "little") < 256:  # much text begins so
        return BMP
    if _BARE_DICOM.match(body):
        return DICOM
    raise NotAnImageError(
        f"the bytes begin with {body[:8].hex(' ')}",
        "That is no PNG, JPEG, TIFF, BMP or DICOM file.",
        "Send one of these.",
    )


def load(path: Path, limits: Limits | None = None) -> bytes:
    """The bytes of a file, unless they are too many.

    Raises:
        ImageMissingError: the file is not there or cannot be read.
        EmptyImageError, TooLargeError: by its size.
    """
    try:
        (limits or Limits()).check_bytes(path.stat().st_size)
        return path.read_bytes()
    except OSError as failure:
        raise ImageMissingError(
            f"{path} cannot be read: {failure.strerror}",
            "A path must lead to a file.",
            "Check the path and its permissions.",
        ) from failure


def _check_label(media_type: str | None, found: str) -> None:
    said = (media_type or "").split(";")[0].strip().lower()
    said = _ALIASES.get(said, said)
    if said in (PNG, JPEG, TIFF, BMP, DICOM) and said != found:
        raise MislabelledError(
            f"the request says {said}, the bytes are {found}",
            "One of the two is wrong, and guessing could read another image than was meant.",
            f"Send Content-Type: {found}.",
        )


def _source(body: bytes, raster: Raster, media_type: str, name: str | None) -> Source:
    stem = parse_stem(name)
    height, width = raster.pixels.shape
    return Source(
        digest=digest_of(body),
        name=name,
        media_type=media_type,
        width_px=width,
        height_px=height,
        bits=raster.bits,
        frame=raster.frame if raster.frames > 1 else None,
        frames=raster.frames if raster.frames > 1 else None,
        colour=raster.colour,
        irregularities=raster.irregularities,
        patient_key=stem.patient if stem else None,
        laterality=stem.laterality if stem else None,
        projection=stem.projection if stem else None,
        # Editors write 72 or 96 dots an inch into any PNG; only a file of the dataset's form means millimetres by it.
        pixel_spacing=_spacing(raster) if stem else None,
    )


def _spacing(raster: Raster) -> PixelSpacing | None:
    if raster.pixel_mm is None:
        return None
    row_mm, column_mm = raster.pixel_mm
    return PixelSpacing(row_mm=row_mm, column_mm=column_mm, tag="pHYs")
