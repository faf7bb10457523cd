"""How good a radiograph is as an image, before preprocessing: features that show a detector or a workflow drift."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from carpal.imaging.radiograph import Grey
from carpal.records.record import Quality

REDUCED_PX = 512
MOSTLY_PADDING = 0.7
CLIPPED = 0.05
LOW_CONTRAST = 0.05
# Immerkaer, Fast noise variance estimation, Computer Vision and Image Understanding 64(2), 1996: the difference of two
# Laplacians is blind to image structure up to the second order; its mean absolute response gives sigma.
_NOISE_KERNEL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


def measure(pixels: Grey) -> Quality:
    """Measure grey pixels [H, W] of uint8 or uint16.

    Warnings: ``blank`` (one grey level), ``mostly-padding`` (over 70 % exact zeros), ``clipped`` (over 5 % at the
    highest level), ``low-contrast`` (the middle 98 % of non-zero pixels span less than 5 % of full scale).
    """
    full_scale = float(np.iinfo(pixels.dtype).max)
    counts = np.bincount(pixels.ravel(), minlength=2)
    top = len(counts) - 1
    exposed = counts.copy()
    exposed[0] = 0
    low, median, high = (level / full_scale for level in _percentiles(exposed, (0.01, 0.5, 0.99)))
    padded, clipped = int(counts[0]) / pixels.size, int(counts[top]) / pixels.size if top else 0.0
    blank = int(counts.max()) == pixels.size
    return Quality(
        sharpness=_sharpness(pixels, full_scale),
        noise=_noise(pixels, full_scale),
        clipped_share=clipped,
        padded_share=padded,
        exposure=median,
        warnings=_warnings(blank, padded, clipped, high - low),
    )


def _warnings(blank: bool, padded: float, clipped: float, contrast: float) -> tuple[str, ...]:
    if blank:
        return ("blank",)
    signs = {
        "mostly-padding": padded > MOSTLY_PADDING,
        "clipped": clipped > CLIPPED,
        "low-contrast": contrast < LOW_CONTRAST,
    }
    return tuple(sign for sign, seen in signs.items() if seen)


def _percentiles(counts: NDArray[np.intp], shares: tuple[float, ...]) -> list[float]:
    """Grey levels below which the given shares of the counted pixels lie; zeros where nothing was counted."""
    cumulative = np.cumsum(counts)
    total = int(cumulative[-1])
    if total == 0:
        return [0.0] * len(shares)
    return [float(np.searchsorted(cumulative, share * total)) for share in shares]


def _sharpness(pixels: Grey, full_scale: float) -> float:
    """Variance of the Laplacian of the image scaled to 0..1 and reduced to at most 512 px."""
    ratio = min(1.0, REDUCED_PX / max(pixels.shape))
    size = (max(1, round(pixels.shape[1] * ratio)), max(1, round(pixels.shape[0] * ratio)))
    reduced = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return float(cv2.Laplacian(reduced.astype(np.float32) / np.float32(full_scale), cv2.CV_32F).var())


def _noise(pixels: Grey, full_scale: float) -> float:
    """Immerkaer's sigma as a share of full scale; 0 for an image too small to have an inside."""
    if min(pixels.shape) < 3:
        return 0.0
    response = cv2.filter2D(pixels, cv2.CV_32F, _NOISE_KERNEL)[1:-1, 1:-1]
    return math.sqrt(math.pi / 2.0) * float(np.abs(response).mean()) / 6.0 / full_scale
