"""What a DICOM object says of itself that the record keeps: identity, side, view, spacing and which tag gave it.

Names, numbers and dates of the patient are never copied; a pseudonym is, where a salt is given.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Any, Literal

from pydicom import Dataset
from pydicom.multival import MultiValue
from pydicom.uid import UID

from carpal.imaging.dicom_file import text_of
from carpal.imaging.dicom_pixels import Frame
from carpal.records.record import PixelSpacing, Source

_KEY_DIGITS = 16
_VIEWS = {"LL": "LATERAL", "RL": "LATERAL", "LAT": "LATERAL", "LLO": "OBLIQUE", "RLO": "OBLIQUE", "OBL": "OBLIQUE"}
_CALIBRATIONS = ("GEOMETRY", "FIDUCIAL")


def source_of(
    ds: Dataset, syntax: UID, frame: Frame, number: int, *, digest: str, name: str | None, salt: bytes | None
) -> Source:
    """The record's source.

    Args:
        ds: the data set.
        syntax: its transfer syntax.
        frame: what was read of it.
        number: of the frame; the first is 1.
        digest: of the file.
        name: what the record calls it.
        salt: secret for the pseudonym; without one ``patient_key`` stays empty.
    """
    several = frame.frames > 1
    return Source(
        digest=digest,
        name=name,
        media_type="application/dicom",
        width_px=frame.pixels.shape[1],
        height_px=frame.pixels.shape[0],
        bits=frame.bits,
        sop_instance_uid=_text(ds, "SOPInstanceUID"),
        series_instance_uid=_text(ds, "SeriesInstanceUID"),
        study_instance_uid=_text(ds, "StudyInstanceUID"),
        patient_key=_patient_key(ds, salt),
        laterality=_laterality(ds),
        projection=_projection(ds),
        pixel_spacing=_spacing(ds),
        voi=frame.voi,
        frame=number if several else None,
        frames=frame.frames if several else None,
        transfer_syntax=str(syntax),
        sop_class_uid=_text(ds, "SOPClassUID"),
        modality=_text(ds, "Modality"),
        photometric=frame.photometric,
        patient_orientation=_orientation(ds),
    )


def _text(ds: Dataset, keyword: str) -> str | None:
    return text_of(ds, keyword) or None


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


def _orientation(ds: Dataset) -> str | None:
    value = ds.get("PatientOrientation")
    if isinstance(value, MultiValue):
        return "\\".join(str(part) for part in value) or None
    return _text(ds, "PatientOrientation")


def _spacing(ds: Dataset) -> PixelSpacing | None:
    """At the patient where the file says so, else at the detector over the magnification; 0 or less says nothing.

    A PixelSpacing that repeats ImagerPixelSpacing without a calibration is that of the detector (PS3.3 10.7.1.3).
    """
    imager = _positive_pair(ds.get("ImagerPixelSpacing"))
    factor = float(ds.get("EstimatedRadiographicMagnificationFactor") or 0.0)
    calibration = (_text(ds, "PixelSpacingCalibrationType") or "").upper()
    said = calibration if calibration in _CALIBRATIONS else None
    pair = _positive_pair(ds.get("PixelSpacing"))
    if pair and not (pair == imager and factor > 0 and said is None):
        return PixelSpacing(row_mm=pair[0], column_mm=pair[1], tag="PixelSpacing", calibration=said)
    if imager and factor > 0:
        tag = "ImagerPixelSpacing/EstimatedRadiographicMagnificationFactor"
        return PixelSpacing(row_mm=imager[0] / factor, column_mm=imager[1] / factor, tag=tag)
    for tag in ("ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        if pair := _positive_pair(ds.get(tag)):
            return PixelSpacing(row_mm=pair[0], column_mm=pair[1], tag=tag)
    return None


def _positive_pair(value: Sequence[Any] | None) -> tuple[float, float] | None:
    if not value or isinstance(value, str | int | float) or len(value) != 2:
        return None
    row_mm, column_mm = float(value[0]), float(value[1])
    return (row_mm, column_mm) if row_mm > 0 and column_mm > 0 else None
