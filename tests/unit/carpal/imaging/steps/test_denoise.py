"""Filters: noise goes, edges stay, and sixteen bits mean what eight do."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from carpal.imaging.steps.denoise import Bilateral, Median, NonLocalMeans
from carpal.imaging.steps.step import ProcessingStep

FILTERS = [Median(), Median(size_px=5), Bilateral(sigma_level=0.05), NonLocalMeans(strength=0.03, search_px=11)]


def edge(dtype: type, sigma: float = 0.01) -> np.ndarray:
    """Dark at the left, bright at the right, with noise."""
    level = np.where(np.arange(60) < 30, 0.2, 0.7) + np.random.default_rng(0).normal(0, sigma, (50, 60))
    return np.rint(np.clip(level, 0, 1) * np.iinfo(dtype).max).astype(dtype)


@pytest.mark.parametrize("step", FILTERS, ids=str)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_noise_is_less_and_the_edge_stays(step: ProcessingStep, dtype: type):
    pixels, top = edge(dtype), np.iinfo(dtype).max
    made = step.apply(pixels)[0]
    assert made[:, 5:25].std() < 0.6 * pixels[:, 5:25].std()
    assert made[:, 28].mean() / top == pytest.approx(0.2, abs=0.02)
    assert made[:, 31].mean() / top == pytest.approx(0.7, abs=0.02)


@pytest.mark.parametrize("step", [Bilateral(sigma_level=0.05), NonLocalMeans(strength=0.03, search_px=11)], ids=str)
def test_both_depths_get_the_same_picture(step: ProcessingStep):
    pixels = edge(np.uint8)
    wide = step.apply(pixels.astype(np.uint16) * 257)[0] / 257
    assert np.abs(wide - step.apply(pixels)[0]).max() <= 1.5


def test_the_median_is_opencvs():
    assert (Median(size_px=5).apply(edge(np.uint16))[0] == cv2.medianBlur(edge(np.uint16), 5)).all()


def test_the_median_removes_a_dead_pixel():
    pixels = np.full((9, 9), 1000, np.uint16)
    pixels[4, 4] = 65535
    assert (Median().apply(pixels)[0] == 1000).all()


def test_the_highest_level_survives_rounding():
    assert (Bilateral().apply(np.full((9, 9), 65535, np.uint16))[0] == 65535).all()
