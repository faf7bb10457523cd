"""How good a radiograph is as an image, before preprocessing: features that show a detector or a workflow drift.

One histogram, one reduced image and a sample of rows give all figures, so that measuring costs a fraction of reading.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from carpal.imaging.histogram import Histogram
from carpal.imaging.radiograph import Grey
from carpal.records.record import Quality

REDUCED_PX = 512
MOSTLY_PADDING = 0.7
CLIPPED = 0.05
LOW_CONTRAST = 0.05
# Between what was measured on radiographs and on other pictures; docs/explanation/preprocessing.md has the hit rates.
COLOUR_PHOTO = 0.04
STEEP = 0.2
MOSTLY_STEEP = 0.05
ONE_LEVEL = 0.75
JUDGED_FROM_PX = 256
# Immerkaer, Fast noise variance estimation, Computer Vision and Image Understanding 64(2), 1996: the difference of two
# Laplacians is blind to image structure up to the second order; its mean absolute response gives sigma. Its kernel is
# this one along the rows and along the columns.
_SECOND_DIFFERENCE = np.array([1, -2, 1], np.float32)
_BANDS, _BAND_PX = 16, 16


def measure(pixels: Grey, *, colour: float = 0.0, irregular: bool = False) -> Quality:
    """Measure grey pixels [H, W] of uint8 or uint16.

    Args:
        pixels: as they were read.
        colour: of the file that they come from, see ``carpal.imaging.colour``.
        irregular: whether their data was against the rules of its format, so that some of them can be wrong.

    Warnings: ``blank`` (one grey level), ``mostly-padding`` (over 70 % exact zeros), ``clipped`` (over 5 % at the
    highest level), ``low-contrast`` (the middle 98 % of non-zero pixels span less than 5 % of full scale),
    ``colour-photo`` (the channels of the file differ by over 4 % of full scale on average), ``not-a-radiograph`` (steep
    edges on over 5 % of the reduced image, or over 75 % of the non-zero pixels on one level, as on pages and drawings;
    judged from 256 px on), ``irregular-data`` (the pixels were read from data against the rules of its format, see
    ``irregularities`` of the source; some can be wrong).
    """
    full_scale = float(np.iinfo(pixels.dtype).max)
    histogram = Histogram.of(pixels)
    counts = histogram.counts
    exposed = histogram.without_zero()
    shares = (0.01, 0.5, 0.99)
    low, median, high = (
        (level / full_scale for level in exposed.levels_at(*(share * exposed.total for share in shares)))
        if exposed.total
        else (0.0, 0.0, 0.0)
    )
    top = int(pixels.max())
    padded, clipped = int(counts[0]) / pixels.size, int(counts[top]) / pixels.size if top else 0.0
    curvature = _curvature(pixels, full_scale)
    signs = {
        "mostly-padding": padded > MOSTLY_PADDING,
        "clipped": clipped > CLIPPED,
        "low-contrast": high - low < LOW_CONTRAST,
        "colour-photo": colour > COLOUR_PHOTO,
        "not-a-radiograph": max(pixels.shape) >= JUDGED_FROM_PX
        and (int(exposed.counts.max()) > ONE_LEVEL * exposed.total or _is_mostly_steep(curvature, high - low)),
        "irregular-data": irregular,
    }
    if int(counts.max()) == pixels.size:
        signs = {"blank": True, "irregular-data": irregular}
    return Quality(
        sharpness=_variance(curvature),
        noise=_noise(pixels, full_scale),
        clipped_share=clipped,
        padded_share=padded,
        exposure=median,
        warnings=tuple(sign for sign, seen in signs.items() if seen),
    )


def _curvature(pixels: Grey, full_scale: float) -> NDArray[Any]:
    """Laplacian of the image scaled to 0..1 and reduced to at most 512 px."""
    curvature: NDArray[Any] = cv2.Laplacian(_reduced(pixels).astype(np.float32) / np.float32(full_scale), cv2.CV_32F)
    return curvature


def _reduced(pixels: NDArray[Any]) -> NDArray[Any]:
    """At most 512 px on the longer side.

    By a whole number first, as the mean of blocks (up to a block is cut off at the end), and by less than two after
    that: OpenCV is quick at both, and no pixel is passed over.
    """
    block = max(pixels.shape) // REDUCED_PX
    if block > 1:
        height, width = (max(1, side // block) for side in pixels.shape)
        cut = pixels[: height * block, : width * block]
        pixels = cv2.resize(cut, (width, height), interpolation=cv2.INTER_AREA)
    ratio = REDUCED_PX / max(pixels.shape)
    if ratio < 1.0:
        height, width = (max(1, round(side * ratio)) for side in pixels.shape)
        pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR)
    return pixels


def _is_mostly_steep(curvature: NDArray[Any], contrast: float) -> bool:
    """Whether many places bend by more than a fifth of the contrast from one pixel of the reduced image to the next.

    Tissue overlaps and fades; pages, photographs and noise have edges everywhere. Where there is no contrast to speak
    of, noise is all there is, and nothing is said.
    """
    if contrast < LOW_CONTRAST:
        return False
    steep = cv2.countNonZero(cv2.inRange(curvature, -STEEP * contrast, STEEP * contrast))
    return 1.0 - steep / curvature.size > MOSTLY_STEEP


def _noise(pixels: Grey, full_scale: float) -> float:
    """Immerkaer's sigma as a share of full scale; 0 for an image too small to have an inside.

    Of a large image sixteen bands of rows are looked at, spread evenly from its top to its bottom.
    """
    height, width = pixels.shape
    if min(height, width) < 3:
        return 0.0
    bands = [pixels]
    if height > _BANDS * (_BAND_PX + 2):
        starts = np.linspace(0, height - _BAND_PX - 2, _BANDS).astype(int)
        bands = [pixels[start : start + _BAND_PX + 2] for start in starts]
    total: float = sum(cv2.norm(_twice_differenced(band)[1:-1, 1:-1], cv2.NORM_L1) for band in bands)
    inside: int = sum((band.shape[0] - 2) * (width - 2) for band in bands)
    return math.sqrt(math.pi / 2.0) * total / inside / 6.0 / full_scale


def _twice_differenced(band: Grey) -> NDArray[np.float32]:
    differenced: NDArray[Any] = cv2.sepFilter2D(band, cv2.CV_32F, _SECOND_DIFFERENCE, _SECOND_DIFFERENCE)
    return differenced


def _variance(values: NDArray[Any]) -> float:
    """Of values whose mean is next to nought, so that nothing is lost in the difference."""
    return max(0.0, cv2.norm(values, cv2.NORM_L2SQR) / values.size - cv2.mean(values)[0] ** 2)
