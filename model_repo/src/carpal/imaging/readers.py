"""Radiographs from files and bytes, told apart by their content and never by their suffix."""

from __future__ import annotations

import hashlib
from pathlib import Path

from carpal.imaging.errors import ImageMissingError, MislabelledError, NotAnImageError
from carpal.imaging.limits import Limits
from carpal.imaging.radiograph import Radiograph
from carpal.imaging.raster import JPEG_SIGNATURE, PNG_SIGNATURE, Raster, read_jpeg, read_png
from carpal.imaging.stem import parse_stem
from carpal.records.record import PixelSpacing, Source

PNG, JPEG, DICOM = "image/png", "image/jpeg", "application/dicom"
SUFFIXES = (".png", ".jpg", ".jpeg", ".dcm", ".dicom")
SNIFFED_BYTES = 132
_DICOM_PREAMBLE = 128
_ALIASES = {"image/jpg": JPEG, "image/x-png": PNG, "image/dicom-rle": DICOM}


def read(
    source: str | Path | bytes,
    *,
    name: str | None = None,
    media_type: str | None = None,
    limits: Limits | None = None,
    patient_salt: bytes | None = None,
) -> Radiograph:
    """Read a PNG (8 or 16 bit), a JPEG or an uncompressed DICOM radiograph.

    Args:
        source: a path, or the bytes of a file.
        name: what the record calls the image; the file's stem by default.
        media_type: what the caller says it is; refused where the bytes say otherwise, unless it is a general one.
        limits: bounds that are checked before anything is decoded.
        patient_salt: secret that turns a DICOM PatientID into a pseudonym; without one no patient key is written.

    Raises:
        ImageError: a leaf of ``carpal.imaging.errors``.
    """
    limits = limits or Limits()
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

        return read_dicom(body, name=name, limits=limits, patient_salt=patient_salt)
    raster = read_png(body, limits) if found == PNG else read_jpeg(body, limits)
    return Radiograph(raster.pixels, _source(body, raster, found, name))


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
    raise NotAnImageError(
        f"the bytes begin with {body[:8].hex(' ')}",
        "That is neither PNG nor JPEG, and no DICM stands at byte 128.",
        "Send a PNG, a JPEG, or a DICOM file with its preamble.",
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
    if said in (PNG, JPEG, DICOM) and said != found:
        raise MislabelledError(
            f"the request says {said}, the bytes are {found}",
            "One of the two is wrong, and guessing could read another image than was meant.",
            f"Send Content-Type: {found}.",
        )


def _source(body: bytes, raster: Raster, media_type: str, name: str | None) -> Source:
    stem = parse_stem(name)
    height, width = raster.pixels.shape
    return Source(
        digest="sha256:" + hashlib.sha256(body).hexdigest(),
        name=name,
        media_type=media_type,
        width_px=width,
        height_px=height,
        bits=raster.bits,
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
