"""What a DICOM object says of itself that the record keeps: identity, side, view, spacing and which tag gave it.

Names, numbers and dates of the patient are never copied; a pseudonym is, where a salt is given.
"""

from __future__ import annotations

import hmac
from typing import Literal

from pydicom.uid import UID

from carpal.imaging.dicom_pixels import Frame
from carpal.imaging.dicom_values import OptionalValues
from carpal.records.record import PixelSpacing, Source

_KEY_DIGITS = 16
_VIEWS = {"LL": "LATERAL", "RL": "LATERAL", "LAT": "LATERAL", "LLO": "OBLIQUE", "RLO": "OBLIQUE", "OBL": "OBLIQUE"}
_NO_SIDE = ("U", "B")  # unpaired, both
_CALIBRATIONS = ("GEOMETRY", "FIDUCIAL")
_SPACINGS_MM = (1e-3, 100.0)  # a pixel of less than a micrometre or more than a decimetre is a mistake


def source_of(
    values: OptionalValues, syntax: UID, frame: Frame, number: int, *, digest: str, name: str | None, salt: bytes | None
) -> Source:
    """The record's source.

    Args:
        values: of the data set.
        syntax: its transfer syntax.
        frame: what was read of it.
        number: of the frame; the first is 1.
        digest: of the file.
        name: what the record calls it.
        salt: secret for the pseudonym; without one ``patient_key`` stays empty.
    """
    several = frame.frames > 1
    source = Source(
        digest=digest,
        name=name,
        media_type="application/dicom",
        width_px=frame.pixels.shape[1],
        height_px=frame.pixels.shape[0],
        bits=frame.bits,
        sop_instance_uid=values.text("SOPInstanceUID") or None,
        series_instance_uid=values.text("SeriesInstanceUID") or None,
        study_instance_uid=values.text("StudyInstanceUID") or None,
        patient_key=_patient_key(values, salt),
        laterality=_laterality(values),
        projection=_projection(values),
        pixel_spacing=_spacing(values),
        voi=frame.voi,
        frame=number if several else None,
        frames=frame.frames if several else None,
        transfer_syntax=str(syntax),
        sop_class_uid=values.text("SOPClassUID") or None,
        modality=values.text("Modality") or None,
        photometric=frame.photometric,
        patient_orientation=values.joined("PatientOrientation") or None,
    )
    return source.model_copy(update={"irregularities": values.irregularities})


def _patient_key(values: OptionalValues, salt: bytes | None) -> str | None:
    """HMAC-SHA256 of issuer and number: without the salt nobody can try all numbers.

    A number with a backslash in it counts as a whole: its first part can be that of another patient.
    """
    number = values.joined("PatientID")
    if not number or not salt:
        return None
    issuer = values.joined("IssuerOfPatientID")
    return hmac.new(salt, f"{issuer}\n{number}".encode(), "sha256").hexdigest()[:_KEY_DIGITS]


def _laterality(values: OptionalValues) -> Literal["L", "R"] | None:
    for keyword in ("ImageLaterality", "Laterality"):
        side = values.text(keyword).upper()
        if side in ("L", "R"):
            return "L" if side == "L" else "R"
        if side and side not in _NO_SIDE:
            values.note(keyword, "none that the standard defines")
    return None


def _projection(values: OptionalValues) -> str | None:
    view = values.text("ViewPosition").upper()
    return _VIEWS.get(view, view) or None


def _spacing(values: OptionalValues) -> PixelSpacing | None:
    """At the patient where the file says so, else at the detector over the magnification; 0 or less says nothing.

    A PixelSpacing that repeats ImagerPixelSpacing without a calibration is that of the detector (PS3.3 10.7.1.3).
    """
    imager = _pair_mm(values, "ImagerPixelSpacing")
    factor = values.number("EstimatedRadiographicMagnificationFactor") or 0.0
    if factor < 0:
        values.note("EstimatedRadiographicMagnificationFactor", "out of range")
    calibration = values.text("PixelSpacingCalibrationType").upper()
    said = calibration if calibration in _CALIBRATIONS else None
    pair = _pair_mm(values, "PixelSpacing")
    if pair and not (pair == imager and factor > 0 and said is None):
        return PixelSpacing(row_mm=pair[0], column_mm=pair[1], tag="PixelSpacing", calibration=said)
    if imager and factor > 0:
        tag = "ImagerPixelSpacing/EstimatedRadiographicMagnificationFactor"
        at_patient = (imager[0] / factor, imager[1] / factor)
        if _is_spacing(*at_patient):
            return PixelSpacing(row_mm=at_patient[0], column_mm=at_patient[1], tag=tag)
        values.note("EstimatedRadiographicMagnificationFactor", "out of range")
    if imager:
        return PixelSpacing(row_mm=imager[0], column_mm=imager[1], tag="ImagerPixelSpacing")
    if pair := _pair_mm(values, "NominalScannedPixelSpacing"):
        return PixelSpacing(row_mm=pair[0], column_mm=pair[1], tag="NominalScannedPixelSpacing")
    return None


def _pair_mm(values: OptionalValues, keyword: str) -> tuple[float, float] | None:
    """Between rows and between columns, in mm; None where the tag is absent or says nothing that can be."""
    found = values.numbers(keyword)
    if not found:
        return None
    if len(found) != 2:
        values.note(keyword, f"{len(found)} values, not 2")
        return None
    if not _is_spacing(*found):
        values.note(keyword, "out of range")
        return None
    return found[0], found[1]


def _is_spacing(row_mm: float, column_mm: float) -> bool:
    low, high = _SPACINGS_MM
    return low <= row_mm <= high and low <= column_mm <= high
