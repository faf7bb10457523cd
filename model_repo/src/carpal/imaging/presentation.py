"""From the values that a DICOM file stores to grey levels with bone bright on a dark ground.

Order by DICOM PS3.3 C.11: modality transform, then VOI transform, then the photometric interpretation. All three act on
grey levels and not on places, so they are computed once for each level that the stored bits can hold.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from carpal.imaging.dicom_values import OptionalValues
from carpal.imaging.errors import NoSuchFrameError

Values = NDArray[np.float64]
FULL_SCALE = 65535
_MAX_VALUE = 2.0**32  # beyond what 16 bits become by any rescaling that is meant
_MIN_WIDTHS = {"LINEAR": 1.0, "LINEAR_EXACT": 1e-9, "SIGMOID": 1e-9}  # by VOILUTFunction (PS3.3 C.11.2.1)


def grey_levels(
    ds: Dataset, optional: OptionalValues, bits: int, signed: bool, window: int = 0
) -> tuple[NDArray[np.uint16], str]:
    """The grey level of each stored value, lowest value first.

    A table or number that is broken is passed over. If it belongs to the modality transform, the VOI transform is too,
    because its windows and tables are about values that are then unknown: the whole range is shown.

    Args:
        ds: the data set, monochrome.
        optional: reads its optional values, and notes what is passed over.
        bits: stored a pixel.
        signed: whether stored values are two's complement.
        window: which of several VOI tables or windows; the first is 0.

    Returns:
        uint16 [2 ** bits] over 0..65535, and the VOI transform in words: ``LUT``, ``window <centre>/<width>`` or
        ``none``; with the function where it is not LINEAR, and with the place where it is not the first.

    Raises:
        NoSuchFrameError: there is no window of that number.
    """
    lowest = -(2 ** (bits - 1)) if signed else 0
    stored = np.arange(lowest, lowest + 2**bits, dtype=np.float64)
    transformed = _modality(ds, optional, stored)
    if transformed is None:
        share, voi = _whole_range(stored, float(stored.min()), float(stored.max()))
    else:
        share, voi = _voi(ds, optional, *transformed, window)
    # PresentationLUTShape INVERSE says the same as MONOCHROME1 and comes with it: it inverts nothing a second time.
    if ds.PhotometricInterpretation == "MONOCHROME1":
        share = 1.0 - share
    levels = np.rint(np.clip(share, 0.0, 1.0) * FULL_SCALE).astype(np.uint16)
    # Padding is no tissue. It becomes black after the inversion, so that later steps see it like any other border.
    levels[_is_padding(optional, stored)] = 0
    return levels, voi


def _modality(ds: Dataset, optional: OptionalValues, stored: Values) -> tuple[Values, float, float] | None:
    """Values after the modality transform, and the range that they can have; None if it is there and broken."""
    tables = optional.attempt("ModalityLUTSequence", lambda: ds.get("ModalityLUTSequence"))
    if tables:
        found = optional.attempt("ModalityLUTSequence", lambda: _look_up(tables[0], stored))
        return None if found is None else (found[0], 0.0, found[1])
    slope, intercept = optional.number("RescaleSlope"), optional.number("RescaleIntercept")
    if slope == 0:
        optional.note("RescaleSlope", "zero")
        slope = None
    if (slope is None and optional.noted("RescaleSlope")) or (intercept is None and optional.noted("RescaleIntercept")):
        return None
    if slope is None or intercept is None:
        return stored, float(stored.min()), float(stored.max())
    with np.errstate(over="ignore", invalid="ignore"):
        values = stored * slope + intercept
        usable = bool((np.diff(values) != 0).all() and np.isfinite(values.max() - values.min()))
    if not usable:
        optional.note("RescaleSlope", "out of range, with its intercept")
        return None
    return values, float(values.min()), float(values.max())


def _voi(
    ds: Dataset, optional: OptionalValues, values: Values, low: float, high: float, window: int
) -> tuple[Values, str]:
    """Shares 0..1 of full scale: by a table, else by a window, else over the whole range."""
    tables = optional.attempt("VOILUTSequence", lambda: ds.get("VOILUTSequence"))
    if tables:
        _check_window(window, len(tables), "VOI tables")
        found = optional.attempt("VOILUTSequence", lambda: _look_up(tables[window], values))
        if found is not None:
            return found[0] / found[1], f"LUT{f' #{window}' if window else ''}"
    centres, widths = optional.numbers("WindowCenter"), optional.numbers("WindowWidth")
    count = min(len(centres), len(widths))
    _check_window(window, max(1, count), "windows")
    function = _function(optional)
    usable = [place for place in range(count) if _is_window(optional, centres[place], widths[place], function)]
    if not usable:
        return _whole_range(values, low, high)
    chosen = window if window in usable else usable[0]
    centre, width = centres[chosen], widths[chosen]
    said = f"window {centre:g}/{width:g}" + (f" {function}" if function != "LINEAR" else "")
    return _window(values, centre, width, function), said + (f" #{chosen}" if chosen else "")


def _is_window(optional: OptionalValues, centre: float, width: float, function: str) -> bool:
    if width < _MIN_WIDTHS[function]:
        optional.note("WindowWidth", "too small for a window")
        return False
    if width > _MAX_VALUE or abs(centre) > _MAX_VALUE:
        optional.note("WindowWidth" if width > _MAX_VALUE else "WindowCenter", "out of range")
        return False
    return True


def _whole_range(values: Values, low: float, high: float) -> tuple[Values, str]:
    return (values - low) / (high - low if high > low else 1.0), "none"


def _function(optional: OptionalValues) -> str:
    function = optional.text("VOILUTFunction").upper() or "LINEAR"
    if function in _MIN_WIDTHS:
        return function
    optional.note("VOILUTFunction", "none that the standard defines")
    return "LINEAR"


def _check_window(window: int, count: int, what: str) -> None:
    if window >= count:
        raise NoSuchFrameError(
            f"window {window} of the DICOM object was asked for", f"It has {count} {what}.", "Ask for one that it has."
        )


def _window(values: Values, centre: float, width: float, function: str) -> Values:
    """PS3.3 C.11.2.1.2 (LINEAR) and C.11.2.1.3 (SIGMOID, LINEAR_EXACT), over 0..1."""
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


def _is_padding(optional: OptionalValues, stored: Values) -> NDArray[np.bool_]:
    """Stored values from PixelPaddingValue to PixelPaddingRangeLimit (PS3.3 C.7.5.1.1.2)."""
    value = optional.number("PixelPaddingValue")
    if value is None:
        return np.zeros(stored.shape, bool)
    limit = optional.number("PixelPaddingRangeLimit")
    low, high = sorted((value, value if limit is None else limit))
    return (stored >= low) & (stored <= high)
