"""Grey levels from stored values: the formulas of DICOM PS3.3 C.11, with pydicom as the second opinion."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom import DataElement, Dataset, config
from pydicom.pixels import apply_windowing
from pydicom.sequence import Sequence

from carpal.imaging.dicom_values import OptionalValues
from carpal.imaging.errors import NoSuchFrameError
from carpal.imaging.presentation import FULL_SCALE, grey_levels


def dataset(**attributes: Any) -> Dataset:
    ds = Dataset()
    ds.PhotometricInterpretation, ds.PixelRepresentation, ds.BitsStored = "MONOCHROME2", 0, 8
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return ds


def levels_of(ds: Dataset, bits: int, signed: bool, window: int = 0) -> tuple[np.ndarray, str]:
    return grey_levels(ds, OptionalValues(ds), bits, signed, window)


def table(descriptor: list[int], data: Any, vr: str = "US") -> Sequence:
    item = Dataset()
    item.add_new("LUTDescriptor", "SS" if descriptor[1] < 0 else "US", descriptor)
    item.add_new("LUTData", vr, data)
    return Sequence([item])


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize(("centre", "width"), [(100, 60), (0, 500), (128.5, 2), (-40, 30), (300, 30)])
def test_windows_equal_pydicoms(function: str, centre: float, width: float):
    ds = dataset(WindowCenter=centre, WindowWidth=width, VOILUTFunction=function)
    levels, voi = levels_of(ds, 8, signed=False)
    expected = apply_windowing(np.arange(256), ds) / 255
    assert np.abs(levels / FULL_SCALE - expected).max() < 1e-5
    assert voi == f"window {centre:g}/{width:g}" + (f" {function}" if function != "LINEAR" else "")


def test_a_window_of_width_one_is_a_threshold():
    levels, _ = levels_of(dataset(WindowCenter=100, WindowWidth=1), 8, signed=False)
    assert levels[[99, 100]].tolist() == [0, FULL_SCALE]


def test_the_first_of_several_windows_is_taken():
    _, voi = levels_of(dataset(WindowCenter=[100, 20], WindowWidth=[60, 10]), 8, signed=False)
    assert voi == "window 100/60"


def test_another_window_is_taken_when_asked_for():
    ds = dataset(WindowCenter=[100, 20], WindowWidth=[60, 10])
    levels, voi = levels_of(ds, 8, signed=False, window=1)
    assert voi == "window 20/10 #1"
    assert np.abs(levels / FULL_SCALE - apply_windowing(np.arange(256), ds, index=1) / 255).max() < 1e-5


def test_another_table_is_taken_when_asked_for():
    first, second = table([2, 0, 8], [0, 255]), table([2, 0, 8], [255, 0])
    ds = dataset(VOILUTSequence=[first[0], second[0]])
    levels, voi = levels_of(ds, 8, signed=False, window=1)
    assert (levels[[0, 1]].tolist(), voi) == ([FULL_SCALE, 0], "LUT #1")


@pytest.mark.parametrize("attributes", [{}, {"WindowCenter": [1, 2], "WindowWidth": [3, 4]}])
def test_a_window_that_is_not_there_is_refused(attributes: dict[str, list[int]]):
    with pytest.raises(NoSuchFrameError, match="window 2 of the DICOM object"):
        levels_of(dataset(**attributes), 8, signed=False, window=2)


def test_a_window_works_on_rescaled_values():
    ds = dataset(
        WindowCenter=1050, WindowWidth=100, VOILUTFunction="LINEAR_EXACT", RescaleSlope=1, RescaleIntercept=1000
    )
    levels, _ = levels_of(ds, 8, signed=False)
    assert levels[[0, 50, 100]].tolist() == [0, round(FULL_SCALE / 2), FULL_SCALE]


@pytest.mark.parametrize("empty", [None, "", []])
def test_an_empty_window_is_none(empty: Any):
    ds = dataset()
    ds.add_new("WindowCenter", "DS", empty)
    ds.add_new("WindowWidth", "DS", empty)
    assert levels_of(ds, 8, signed=False)[1] == "none"


WIDTH, TABLE = "(0028,1051) WindowWidth: too small for a window", "(0028,3010) VOILUTSequence: broken"


@pytest.mark.parametrize(
    ("attributes", "voi", "noted"),
    [
        ({"WindowCenter": 1, "WindowWidth": 0}, "none", WIDTH),
        ({"WindowCenter": 1, "WindowWidth": -5, "VOILUTFunction": "SIGMOID"}, "none", WIDTH),
        ({"WindowCenter": [1, 100], "WindowWidth": [0, 60]}, "window 100/60 #1", WIDTH),
        ({"WindowCenter": [100, 1], "WindowWidth": [60, 0]}, "window 100/60", WIDTH),
        (
            {"WindowCenter": 100, "WindowWidth": 60, "VOILUTFunction": "CUBIC"},
            "window 100/60",
            "(0028,1056) VOILUTFunction: none that the standard defines",
        ),
        ({"VOILUTSequence": table([4, 0, 8], [0, 1])}, "none", TABLE),
        ({"VOILUTSequence": table([2, 0, 32], [0, 1]), "WindowCenter": 100, "WindowWidth": 60}, "window 100/60", TABLE),
        ({"VOILUTSequence": Sequence([Dataset()])}, "none", TABLE),
        ({"RescaleSlope": 0, "RescaleIntercept": 7, "WindowCenter": 1, "WindowWidth": 5}, "none", "RescaleSlope: zero"),
        ({"ModalityLUTSequence": table([4, 0, 8], [0, 1])}, "none", "ModalityLUTSequence: broken"),
    ],
)
def test_what_is_against_the_standard_is_passed_over_and_noted(attributes: dict[str, Any], voi: str, noted: str):
    ds = dataset(**attributes)
    optional = OptionalValues(ds)
    levels, said = grey_levels(ds, optional, 8, signed=False)
    assert said == voi
    (line,) = optional.irregularities
    assert line.endswith(noted)
    if voi == "none":
        assert (levels == np.arange(256) * 257).all()


@pytest.mark.parametrize(
    "keyword", ["WindowCenter", "WindowWidth", "RescaleSlope", "RescaleIntercept", "PixelPaddingValue"]
)
@pytest.mark.parametrize("value", ["1,5", "abc", "nan", "1e999", ""])
def test_a_number_that_is_none_is_passed_over(keyword: str, value: str):
    config.settings.reading_validation_mode = config.IGNORE
    given = {"WindowCenter": 100, "WindowWidth": 60, "RescaleSlope": 1, "RescaleIntercept": 0, "PixelPaddingValue": 0}
    ds = dataset(**{key: number for key, number in given.items() if key != keyword})
    ds.add(DataElement(keyword, "LO", value))  # a text, as a raw element of a file gives it
    optional = OptionalValues(ds)
    levels, voi = grey_levels(ds, optional, 8, signed=False)
    assert levels[0] == 0
    assert levels[255] == FULL_SCALE
    assert voi == (
        "window 100/60" if keyword == "PixelPaddingValue" or (not value and "Rescale" in keyword) else "none"
    )
    assert [line.partition(": ")[2] for line in optional.irregularities] == (["not a number"] if value else [])


def test_a_table_goes_on_at_both_ends_and_wins_over_a_window():
    ds = dataset(VOILUTSequence=table([3, 10, 8], [0, 51, 255]), WindowCenter=1, WindowWidth=5)
    levels, voi = levels_of(ds, 8, signed=False)
    assert levels[[0, 10, 11, 12, 200]].tolist() == [0, 0, 51 * 257, FULL_SCALE, FULL_SCALE]
    assert voi == "LUT"


def test_an_eight_bit_table_of_many_entries_does_not_wrap():
    entries = np.arange(4096) // 16
    ds = dataset(VOILUTSequence=table([4096, 0, 8], entries.tolist()), BitsStored=12)
    levels, _ = levels_of(ds, 12, signed=False)
    assert (levels == entries * 257).all()


@pytest.mark.parametrize("data", [np.array([0, 128, 255], "<u2").tobytes(), bytes([0, 128, 255])])
def test_table_data_as_words_or_packed_bytes_says_the_same(data: bytes):
    levels, _ = levels_of(dataset(VOILUTSequence=table([3, 0, 8], data, "OW")), 8, signed=False)
    assert levels[:3].tolist() == [0, 128 * 257, FULL_SCALE]


def test_zero_entries_mean_65536():
    ds = dataset(ModalityLUTSequence=table([0, 0, 16], np.arange(65536, dtype="<u2").tobytes(), "OW"), BitsStored=16)
    levels, voi = levels_of(ds, 16, signed=False)
    assert (levels == np.arange(65536)).all()
    assert voi == "none"


def test_a_table_may_start_below_zero_for_signed_values():
    ds = dataset(VOILUTSequence=table([3, -1, 8], [0, 51, 255]), PixelRepresentation=1)
    levels, _ = levels_of(ds, 8, signed=True)
    assert levels[[127, 128, 129]].tolist() == [0, 51 * 257, FULL_SCALE]


@pytest.mark.parametrize("slope", ["1e-320", "1e-300", "1e308"])
def test_a_slope_after_which_levels_are_one_or_none_is_passed_over(slope: str):
    data = dataset(RescaleSlope=slope, RescaleIntercept=7)
    values = OptionalValues(data)
    levels, _ = grey_levels(data, values, 8, signed=False)
    assert (np.diff(levels.astype(int)) > 0).all()
    assert values.irregularities == ("(0028,1053) RescaleSlope: out of range, with its intercept",)
