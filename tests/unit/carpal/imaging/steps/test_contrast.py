"""Curves and equalisation against OpenCV and against their formulas."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from carpal.imaging.steps.contrast import Clahe, Equalise, Gamma


def image(dtype: type) -> np.ndarray:
    top = np.iinfo(dtype).max
    return np.clip(np.random.default_rng(0).gamma(3, top / 12, (64, 80)), 1, top).astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_clahe_is_opencvs(dtype: type):
    expected = cv2.createCLAHE(3.0, (4, 4)).apply(image(dtype))
    assert (Clahe(clip_limit=3.0, tiles=4).apply(image(dtype))[0] == expected).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.2])
def test_gamma_follows_its_formula(dtype: type, exponent: float):
    pixels, top = image(dtype), np.iinfo(dtype).max
    expected = np.rint((pixels / top) ** exponent * top)
    assert (Gamma(exponent=exponent).apply(pixels)[0] == expected).all()


def test_a_low_exponent_brightens():
    assert Gamma(exponent=0.5).apply(image(np.uint8))[0].mean() > image(np.uint8).mean()


def test_eight_bits_are_equalised_as_opencv_does():
    made = Equalise(ignore_zero=False).apply(image(np.uint8))[0]
    assert np.abs(made.astype(int) - cv2.equalizeHist(image(np.uint8))).max() <= 1  # OpenCV rounds in single precision


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_equalised_levels_are_evenly_frequent(dtype: type):
    made = Equalise().apply(image(dtype))[0] / np.iinfo(dtype).max
    assert np.abs(np.quantile(made, [0.25, 0.5, 0.75]) - [0.25, 0.5, 0.75]).max() < 0.02


def test_padding_stays_black_and_changes_nothing():
    pixels = image(np.uint16)
    made = Equalise().apply(np.pad(pixels, 7))[0]
    assert (made[7:-7, 7:-7] == Equalise().apply(pixels)[0]).all()
    assert not made[:7].any()
