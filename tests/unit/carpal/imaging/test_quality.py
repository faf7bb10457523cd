"""Image quality: known images give known figures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from carpal.imaging.quality import measure
from carpal.imaging.readers import read


def radiograph(shape: tuple[int, int] = (400, 300)) -> np.ndarray:
    """A smooth bright hill on black."""
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    return np.rint(np.exp(-2 * (x**2 + y**2)) * 50_000 + 2_000).astype(np.uint16)


@pytest.mark.parametrize("sigma", [0.005, 0.01, 0.02])
def test_noise_is_found_again(sigma: float):
    noise = np.random.default_rng(0).normal(0, sigma * 65535, (400, 300))
    noisy = np.clip(radiograph() + noise, 0, 65535).astype(np.uint16)
    assert measure(noisy).noise == pytest.approx(sigma, rel=0.1)


def test_blurring_lowers_sharpness():
    sharp = np.kron(np.random.default_rng(0).integers(0, 60_000, (40, 30)), np.ones((10, 10))).astype(np.uint16)
    assert measure(cv2.GaussianBlur(sharp, (0, 0), 5)).sharpness < measure(sharp).sharpness / 10


def test_sharpness_does_not_hang_on_bit_depth():
    pixels = np.random.default_rng(0).integers(0, 256, (100, 80)).astype(np.uint8)
    assert measure(pixels.astype(np.uint16) * 257).sharpness == pytest.approx(measure(pixels).sharpness, rel=1e-4)


def test_shares_are_counted():
    pixels = np.full((10, 10), 100, np.uint8)
    pixels[:3] = 0
    pixels[9] = 200
    quality = measure(pixels)
    assert (quality.padded_share, quality.clipped_share) == (0.3, 0.1)
    assert quality.exposure == pytest.approx(100 / 255)


@pytest.mark.parametrize("level", [0, 7, 255])
def test_one_grey_level_is_blank(level: int):
    quality = measure(np.full((20, 20), level, np.uint8))
    assert quality.warnings == ("blank",)
    assert quality.sharpness == quality.noise == 0


def test_an_image_of_mostly_padding_says_so():
    pixels = radiograph()
    pixels[:300] = 0
    assert measure(pixels).warnings == ("mostly-padding",)


def test_a_clipped_image_says_so():
    assert measure(np.minimum(radiograph(), 20_000).astype(np.uint16)).warnings == ("clipped",)


def test_a_flat_image_says_so():
    assert measure((radiograph() // 50 + 3000).astype(np.uint16)).warnings[-1] == "low-contrast"


def test_an_image_without_an_inside_has_no_noise():
    assert measure(np.array([[1, 2], [3, 4]], np.uint8)).noise == 0


def test_the_real_radiographs_have_no_warning(graz_images: list[Path]):
    for path in graz_images:
        quality = measure(read(path).pixels)
        assert quality.warnings == ()
        assert 0.001 < quality.noise < 0.02
