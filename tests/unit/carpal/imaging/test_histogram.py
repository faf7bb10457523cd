"""Counting levels, and the ranks that come from it, against numpy's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carpal.imaging import histogram
from carpal.imaging.histogram import Histogram, look_up


def image(seed: int, dtype: type = np.uint16, shape: tuple[int, int] = (37, 29)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("exact", [2**24, 0])
def test_every_pixel_is_counted_once_however_it_is_counted(dtype: type, exact: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(histogram, "_EXACT", exact)
    pixels = image(1, dtype)
    counts = Histogram.of(pixels).counts
    assert counts.tolist() == np.bincount(pixels.ravel(), minlength=np.iinfo(dtype).max + 1).tolist()


def test_a_view_with_gaps_is_counted_as_its_copy_is():
    pixels = image(2)[::3, ::-2]
    assert (Histogram.of(pixels).counts == Histogram.of(pixels.copy()).counts).all()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 9999), share=st.floats(0, 1), dtype=st.sampled_from([np.uint8, np.uint16]))
def test_a_rank_has_the_level_of_the_sorted_pixel_there(seed: int, share: float, dtype: type):
    pixels = image(seed, dtype, (13, 7))
    rank = max(1.0, share * pixels.size)
    assert Histogram.of(pixels).levels_at(rank) == (int(np.sort(pixels.ravel())[int(np.ceil(rank)) - 1]),)


def test_a_rank_beyond_all_pixels_has_the_highest_level():
    assert Histogram.of(np.zeros((2, 2), np.uint8)).levels_at(5, 1) == (255, 0)


def test_without_zero_the_padding_is_gone_and_nothing_else():
    counted = Histogram.of(np.array([[0, 0, 3, 3, 9]], np.uint8))
    rest = counted.without_zero()
    assert (counted.total, rest.total) == (5, 3)
    assert (rest.counts[3], rest.counts[9]) == (2, 1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (5, 6)])
def test_a_look_up_is_indexing(dtype: type, shape: tuple[int, int]):
    pixels, table = image(4, dtype, shape), image(5, np.uint8, (np.iinfo(dtype).max + 1, 1)).ravel()
    assert (look_up(table, pixels) == table[pixels]).all()
