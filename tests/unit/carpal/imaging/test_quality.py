"""Image quality: known images give known figures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from carpal.imaging.quality import measure
from carpal.imaging.readers import read
from carpal.phantoms.drawing import draw


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


def page() -> np.ndarray:
    """Dark letters on white paper."""
    pixels = np.full((600, 500), 255, np.uint8)
    for row in range(40, 580, 22):
        cv2.putText(pixels, "the quick brown fox jumps over the lazy dog", (20, row), 0, 0.55, 20, 1, cv2.LINE_AA)
    return pixels


def leaves(seed: int) -> np.ndarray:
    """Discs of all sizes over one another, which have the edges of natural scenes (Lee, Mumford and Huang 2001)."""
    random = np.random.default_rng(seed)
    pixels = np.zeros((480, 640), np.uint8)
    for _ in range(2500):
        middle = (int(random.integers(0, 640)), int(random.integers(0, 480)))
        radius = int(min(200, 6 / np.sqrt(1 - random.random())))
        cv2.circle(pixels, middle, radius, int(random.integers(10, 250)), -1, cv2.LINE_AA)
    return pixels


NOISE = np.random.default_rng(0).integers(0, 65536, (400, 300)).astype(np.uint16)


@pytest.mark.parametrize("pixels", [page(), 255 - page(), leaves(0), leaves(1), NOISE])
def test_what_is_no_radiograph_says_so(pixels: np.ndarray):
    assert "not-a-radiograph" in measure(pixels).warnings


def test_a_drawing_on_one_level_says_so_however_smooth():
    drawing = np.full((400, 300), 40_000, np.uint16)
    drawing[:60] = cv2.GaussianBlur(radiograph()[:60], (0, 0), 3)
    assert "not-a-radiograph" in measure(drawing).warnings


def test_a_thumbnail_is_not_judged_by_its_edges():
    assert "not-a-radiograph" not in measure(NOISE[:200, :200]).warnings


def test_noise_without_contrast_is_low_contrast_and_nothing_more():
    faint = np.random.default_rng(0).integers(30_000, 31_000, (400, 300)).astype(np.uint16)
    assert measure(faint).warnings == ("low-contrast",)


def test_the_colours_of_a_file_are_told():
    assert measure(radiograph(), colour=0.1).warnings == ("colour-photo",)
    assert measure(radiograph(), colour=0.01).warnings == ()


def test_phantoms_have_no_warning_of_another_kind_of_picture():
    for index in range(12):
        assert not {"not-a-radiograph", "colour-photo", "blank"} & set(measure(draw(7, index).pixels).warnings)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("scale", [0.5, 4.0])
def test_the_real_radiographs_are_radiographs_at_other_sizes_and_depths_too(
    graz_images: list[Path], bits: int, scale: float
):
    for path in graz_images:
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        pixels = cv2.resize(read(path).pixels, None, fx=scale, fy=scale, interpolation=method)
        assert measure(pixels if bits == 16 else (pixels >> 8).astype(np.uint8)).warnings == ()


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 1), (2, 1500), (1400, 1300)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_an_image_of_any_shape_can_be_measured(shape: tuple[int, int], dtype: type):
    pixels = np.random.default_rng(0).integers(0, 200, shape).astype(dtype)
    quality = measure(pixels)
    assert 0 <= quality.padded_share <= 1
    assert quality.sharpness >= 0


def test_the_noise_of_a_tall_image_is_that_of_all_its_rows():
    noisy = np.random.default_rng(0).normal(30_000, 600, (1500, 300)).astype(np.uint16)
    assert measure(noisy).noise == pytest.approx(600 / 65535, rel=0.05)
