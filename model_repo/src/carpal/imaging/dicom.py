"""DICOM radiographs: which objects are taken, their pixels as bone-bright grey levels, side, view and spacing.

Only uncompressed little-endian objects are read. Names, numbers and dates of the patient are never copied; a pseudonym
is, where a salt is given.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from io import BytesIO
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, config, dcmread
from pydicom.filereader import read_dataset
from pydicom.uid import UID

from carpal.errors import ImageError
from carpal.imaging.errors import (
    DamagedImageError,
    ForProcessingError,
    NotARadiographError,
    TruncatedImageError,
    UnsupportedImageError,
)
from carpal.imaging.limits import Limits
from carpal.imaging.presentation import grey_levels
from carpal.imaging.radiograph import Grey, Radiograph
from carpal.imaging.raster import grey
from carpal.records.record import PixelSpacing, Source

CR_STORAGE = "1.2.840.10008.5.1.4.1.1.1"
DX_FOR_PRESENTATION = "1.2.840.10008.5.1.4.1.1.1.1"
DX_FOR_PROCESSING = "1.2.840.10008.5.1.4.1.1.1.1.1"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_TAKEN = {CR_STORAGE, DX_FOR_PRESENTATION, SECONDARY_CAPTURE}
_MODALITIES = {"CR", "DX", "RG", "OT", "SC", ""}
_PLAIN = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1"}
_META_START, _META_END = 132, 0x0003_0000
_KEY_DIGITS = 16
_VIEWS = {"LL": "LATERAL", "RL": "LATERAL", "LAT": "LATERAL", "LLO": "OBLIQUE", "RLO": "OBLIQUE", "OBL": "OBLIQUE"}
_SEND_AGAIN = "Send or export the object again."


def read_dicom(body: bytes, *, name: str | None, limits: Limits, patient_salt: bytes | None = None) -> Radiograph:
    """Read a DICOM file with its preamble.

    Args:
        body: the whole file.
        name: what the record calls it.
        limits: bounds that are checked before pixels are touched.
        patient_salt: secret for the pseudonym; without one ``patient_key`` stays empty.

    Raises:
        ImageError: a leaf of ``carpal.imaging.errors``.
    """
    # Values of other people's files are often against the rules. Pydicom would warn, and its warnings quote the values.
    config.settings.reading_validation_mode = config.IGNORE
    try:
        _check_syntax(body)
        ds = dcmread(BytesIO(body))
        _check_object(ds)
        pixels, bits, voi = _pixels(ds, limits)
        return Radiograph(pixels, _source(ds, body, pixels, name, bits, voi, patient_salt))
    except ImageError:
        raise
    except Exception as failure:  # pydicom decodes a value when it is asked for; what it raises has no common base
        raise DamagedImageError(
            f"the DICOM file does not decode ({type(failure).__name__})", "A value in it is broken.", _SEND_AGAIN
        ) from failure


def _check_syntax(body: bytes) -> None:
    """Refuse what is compressed before pydicom inflates it."""
    stream = BytesIO(body)
    stream.seek(_META_START)
    meta = read_dataset(stream, False, True, stop_when=_after_meta)
    syntax = UID(str(meta.get("TransferSyntaxUID") or ""))
    if syntax not in _PLAIN:
        raise UnsupportedImageError(
            f"the DICOM file has the transfer syntax {syntax.name or 'that nobody named'}",
            "Only uncompressed little-endian objects are read: 1.2.840.10008.1.2 and 1.2.840.10008.1.2.1.",
            "Decompress it first, for instance with `gdcmconv --raw in.dcm out.dcm` or `dcmdjpeg in.dcm out.dcm`.",
        )


def _after_meta(tag: int, *_: object) -> bool:
    return tag >= _META_END


def _check_object(ds: Dataset) -> None:
    """Refuse what is no radiograph made to be looked at."""
    kind = UID(str(ds.get("SOPClassUID") or ds.file_meta.get("MediaStorageSOPClassUID") or ""))
    modality = str(ds.get("Modality") or "").upper()
    if kind == DX_FOR_PROCESSING or str(ds.get("PresentationIntentType") or "").upper() == "FOR PROCESSING":
        raise ForProcessingError(
            "the DICOM object is FOR PROCESSING",
            "It holds raw detector data, which looks unlike the images that a model was trained on.",
            "Send the FOR PRESENTATION object of the same exposure.",
        )
    if kind not in _TAKEN or modality not in _MODALITIES:
        raise NotARadiographError(
            f"the DICOM object is {kind.name or 'of no class'}, modality {modality or 'unknown'}",
            "Radiographs are Computed Radiography, Digital X-Ray for presentation, or Secondary Capture of CR and DX.",
            "Send the radiograph itself.",
        )


def _pixels(ds: Dataset, limits: Limits) -> tuple[Grey, int, str | None]:
    """Grey pixels, bits stored, and the VOI transform in words."""
    rows, columns = int(ds.get("Rows") or 0), int(ds.get("Columns") or 0)
    limits.check_pixels(columns, rows)
    photometric = str(ds.get("PhotometricInterpretation") or "")
    allocated, bits = int(ds.BitsAllocated), int(ds.get("BitsStored") or ds.BitsAllocated)
    samples = 3 if photometric == "RGB" else 1
    _check_layout(ds, photometric, allocated, bits, samples)
    stored = _stored(ds, rows, columns, samples, allocated)
    if photometric == "RGB":
        return grey(np.ascontiguousarray(stored[:, :, ::-1])), bits, None
    signed = bool(ds.get("PixelRepresentation"))
    levels, voi = grey_levels(ds, bits, signed)
    return levels[_index(stored, bits, int(ds.get("HighBit") or bits - 1), signed)], bits, voi


def _check_layout(ds: Dataset, photometric: str, allocated: int, bits: int, samples: int) -> None:
    frames = int(ds.get("NumberOfFrames") or 1)
    known = photometric in ("MONOCHROME1", "MONOCHROME2") or (photometric == "RGB" and allocated == 8)
    if frames != 1 or not known or allocated not in (8, 16) or int(ds.get("SamplesPerPixel") or 1) != samples:
        raise UnsupportedImageError(
            f"the DICOM object has {frames} frames of {photometric or 'unnamed'} pixels, {allocated} bits allocated",
            "One frame of MONOCHROME1, MONOCHROME2 (8 or 16 bits) or RGB (8 bits) is read.",
            "Export the radiograph as a single grey frame.",
        )
    if not 1 <= bits <= allocated:
        raise DamagedImageError(f"BitsStored is {bits}, BitsAllocated {allocated}", "It cannot be.", _SEND_AGAIN)


def _stored(ds: Dataset, rows: int, columns: int, samples: int, allocated: int) -> NDArray[Any]:
    """The pixel data as it lies in the file: [rows, columns], or [rows, columns, 3] for RGB."""
    data = ds.get("PixelData") or b""
    dtype = np.dtype("u1" if allocated == 8 else "<u2")
    count = rows * columns * samples
    if len(data) < count * dtype.itemsize:
        raise TruncatedImageError(
            f"the DICOM file holds {len(data)} bytes of pixel data, {count * dtype.itemsize} are announced",
            "It was cut short.",
            _SEND_AGAIN,
        )
    flat = np.frombuffer(data, dtype, count)
    if samples == 1:
        return flat.reshape(rows, columns)
    if int(ds.get("PlanarConfiguration") or 0):
        return flat.reshape(samples, rows, columns).transpose(1, 2, 0)
    return flat.reshape(rows, columns, samples)


def _index(stored: NDArray[Any], bits: int, high_bit: int, signed: bool) -> NDArray[Any]:
    """Places in the table of grey levels: stored bits alone (overlays may lie in the others), lowest value at 0."""
    mask = stored.dtype.type(2**bits - 1)
    value = stored if high_bit == bits - 1 else stored >> stored.dtype.type(high_bit + 1 - bits)
    value = value & mask
    index: NDArray[Any] = value ^ stored.dtype.type(2 ** (bits - 1)) if signed else value
    return index


def _source(
    ds: Dataset, body: bytes, pixels: Grey, name: str | None, bits: int, voi: str | None, salt: bytes | None
) -> Source:
    return Source(
        digest="sha256:" + hashlib.sha256(body).hexdigest(),
        name=name,
        media_type="application/dicom",
        width_px=pixels.shape[1],
        height_px=pixels.shape[0],
        bits=bits,
        sop_instance_uid=_text(ds, "SOPInstanceUID"),
        series_instance_uid=_text(ds, "SeriesInstanceUID"),
        study_instance_uid=_text(ds, "StudyInstanceUID"),
        patient_key=_patient_key(ds, salt),
        laterality=_laterality(ds),
        projection=_projection(ds),
        pixel_spacing=_spacing(ds),
        voi=voi,
    )


def _text(ds: Dataset, keyword: str) -> str | None:
    value = ds.get(keyword)
    return str(value).strip() or None if value is not None else None


def _patient_key(ds: Dataset, salt: bytes | None) -> str | None:
    """HMAC-SHA256 of issuer and number: without the salt nobody can try all numbers."""
    number = _text(ds, "PatientID")
    if number is None or not salt:
        return None
    issuer = _text(ds, "IssuerOfPatientID") or ""
    return hmac.new(salt, f"{issuer}\n{number}".encode(), "sha256").hexdigest()[:_KEY_DIGITS]


def _laterality(ds: Dataset) -> Literal["L", "R"] | None:
    for keyword in ("ImageLaterality", "Laterality"):
        if (side := (_text(ds, keyword) or "").upper()) in ("L", "R"):
            return "L" if side == "L" else "R"
    return None


def _projection(ds: Dataset) -> str | None:
    view = (_text(ds, "ViewPosition") or "").upper()
    return _VIEWS.get(view, view) or None


def _spacing(ds: Dataset) -> PixelSpacing | None:
    """At the patient where the file says so, else at the detector over the magnification; 0 or less says nothing."""
    if pair := _positive_pair(ds.get("PixelSpacing")):
        return PixelSpacing(row_mm=pair[0], column_mm=pair[1], tag="PixelSpacing")
    if pair := _positive_pair(ds.get("ImagerPixelSpacing")):
        factor = float(ds.get("EstimatedRadiographicMagnificationFactor") or 0.0)
        if factor > 0:
            tag = "ImagerPixelSpacing/EstimatedRadiographicMagnificationFactor"
            return PixelSpacing(row_mm=pair[0] / factor, column_mm=pair[1] / factor, tag=tag)
        return PixelSpacing(row_mm=pair[0], column_mm=pair[1], tag="ImagerPixelSpacing")
    return None


def _positive_pair(value: Sequence[Any] | None) -> tuple[float, float] | None:
    if not value or isinstance(value, str | int | float) or len(value) != 2:
        return None
    row_mm, column_mm = float(value[0]), float(value[1])
    return (row_mm, column_mm) if row_mm > 0 and column_mm > 0 else None
