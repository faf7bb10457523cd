"""Colourfulness: nothing for grey in any number of channels, and the share that the formula gives."""

from __future__ import annotations

import numpy as np
import pytest

from carpal.imaging.colour import colourfulness


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [0, 1, 2, 3, 4])
def test_grey_has_no_colour_whatever_its_channels(dtype: type, channels: int):
    grey = np.random.default_rng(0).integers(0, 255, (50, 40)).astype(dtype)
    pixels = np.stack([grey] * channels, axis=2) if channels else grey
    if channels in (2, 4):
        pixels[:, :, -1] = 7  # alpha
    assert colourfulness(pixels) == 0


def test_full_red_is_one_and_half_of_it_half():
    pixels = np.zeros((600, 500, 3), np.uint16)
    pixels[:, :, 2] = 65535
    assert colourfulness(pixels) == 1
    pixels[:300] = 1000
    assert colourfulness(pixels) == pytest.approx(0.5, abs=0.01)
