"""From the values that a DICOM file stores to grey levels with bone bright on a dark ground.

Order by DICOM PS3.3 C.11: modality transform, then VOI transform, then the photometric interpretation. All three act on
grey levels and not on places, so they are computed once for each level that the stored bits can hold.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from carpal.imaging.dicom_file import text_of
from carpal.imaging.errors import NoSuchFrameError

Values = NDArray[np.float64]
FULL_SCALE = 65535


def grey_levels(ds: Dataset, bits: int, signed: bool, window: int = 0) -> tuple[NDArray[np.uint16], str]:
    """The grey level of each stored value, lowest value first.

    Args:
        ds: the data set, monochrome.
        bits: stored a pixel.
        signed: whether stored values are two's complement.
        window: which of several VOI tables or windows; the first is 0.

    Returns:
        uint16 [2 ** bits] over 0..65535, and the VOI transform in words: ``LUT``, ``window <centre>/<width>`` or
        ``none``; with the function where it is not LINEAR, and with the place where it is not the first.

    Raises:
        NoSuchFrameError: there is no window of that number.
        ValueError, KeyError, AttributeError: the data set's tables are broken.
    """
    lowest = -(2 ** (bits - 1)) if signed else 0
    stored = np.arange(lowest, lowest + 2**bits, dtype=np.float64)
    values, low, high = _modality(ds, stored)
    share, voi = _voi(ds, values, low, high, window)
    # PresentationLUTShape INVERSE says the same as MONOCHROME1 and comes with it: it inverts nothing a second time.
    if ds.PhotometricInterpretation == "MONOCHROME1":
        share = 1.0 - share
    levels = np.rint(np.clip(share, 0.0, 1.0) * FULL_SCALE).astype(np.uint16)
    # Padding is no tissue. It becomes black after the inversion, so that later steps see it like any other border.
    levels[_is_padding(ds, stored)] = 0
    return levels, voi


def _modality(ds: Dataset, stored: Values) -> tuple[Values, float, float]:
    """Values after the modality transform, and the range that they can have."""
    if tables := ds.get("ModalityLUTSequence"):
        values, top = _look_up(tables[0], stored)
        return values, 0.0, top
    slope, intercept = ds.get("RescaleSlope"), ds.get("RescaleIntercept")
    values = stored * float(slope) + float(intercept) if slope is not None and intercept is not None else stored
    return values, float(values.min()), float(values.max())


def _voi(ds: Dataset, values: Values, low: float, high: float, window: int) -> tuple[Values, str]:
    """Shares 0..1 of full scale: by a table, else by a window, else over the whole range."""
    place = f" #{window}" if window else ""
    if tables := ds.get("VOILUTSequence"):
        _check_window(window, len(tables), "VOI tables")
        looked_up, top = _look_up(tables[window], values)
        return looked_up / top, f"LUT{place}"
    centres, widths = _numbers(ds.get("WindowCenter")), _numbers(ds.get("WindowWidth"))
    count = min(len(centres), len(widths))
    _check_window(window, max(1, count), "windows")
    if count:
        centre, width = centres[window], widths[window]
        function = (text_of(ds, "VOILUTFunction") or "LINEAR").upper()
        said = f"window {centre:g}/{width:g}" + (f" {function}" if function != "LINEAR" else "")
        return _window(values, centre, width, function), said + place
    return (values - low) / (high - low if high > low else 1.0), "none"


def _check_window(window: int, count: int, what: str) -> None:
    if window >= count:
        raise NoSuchFrameError(
            f"window {window} of the DICOM object was asked for", f"It has {count} {what}.", "Ask for one that it has."
        )


def _window(values: Values, centre: float, width: float, function: str) -> Values:
    """PS3.3 C.11.2.1.2 (LINEAR) and C.11.2.1.3 (SIGMOID, LINEAR_EXACT), over 0..1."""
    if function not in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
        raise ValueError(f"VOILUTFunction {function} is none that the standard defines")
    if width < (1 if function == "LINEAR" else 1e-9):
        raise ValueError(f"WindowWidth {width:g} is too small")
    if function == "SIGMOID":
        exponent = np.clip(-4.0 * (values - centre) / width, -700.0, 700.0)  # exp overflows beyond
        return np.asarray(1.0 / (1.0 + np.exp(exponent)))
    if function == "LINEAR":
        centre, width = centre - 0.5, width - 1.0
    if width == 0:  # the standard's window of width 1: a plain threshold
        return (values > centre).astype(np.float64)
    return np.clip((values - centre) / width + 0.5, 0.0, 1.0)


def _look_up(table: Dataset, values: Values) -> tuple[Values, float]:
    """Values through a LUT whose ends go on for ever, and the highest value that its bits can hold."""
    entries, first, bits = (int(number) for number in table.LUTDescriptor)
    entries = entries or 2**16  # PS3.3 C.11.1.1: sixteen bits cannot say 65536, so 0 does
    data = table.LUTData
    if isinstance(data, bytes):
        data = np.frombuffer(data, np.uint8 if len(data) < 2 * entries else np.dtype("<u2"))
    outputs = np.asarray(data, np.float64)[:entries]
    if len(outputs) < entries or not 1 <= bits <= 16:
        raise ValueError(f"a LUT of {entries} entries with {bits} bits has {len(outputs)}")
    index = np.clip(np.rint(values) - first, 0, entries - 1).astype(np.int64)
    return outputs[index], float(2**bits - 1)


def _is_padding(ds: Dataset, stored: Values) -> NDArray[np.bool_]:
    """Stored values from PixelPaddingValue to PixelPaddingRangeLimit (PS3.3 C.7.5.1.1.2)."""
    value = ds.get("PixelPaddingValue")
    if value is None:
        return np.zeros(stored.shape, bool)
    limit = ds.get("PixelPaddingRangeLimit")
    low, high = sorted((float(value), float(value if limit is None else limit)))
    return (stored >= low) & (stored <= high)


def _numbers(value: Any) -> list[float]:
    """A value that may be absent, empty, one number or several."""
    if value is None or value == "":
        return []
    if isinstance(value, str | int | float):
        return [float(value)]
    return [float(one) for one in value]
