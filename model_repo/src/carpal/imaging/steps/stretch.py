"""fC and fN on grey levels: the linear maps that end in eight bits."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Annotated, Any, ClassVar, Literal, Self

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from carpal.imaging.geometry import Affine
from carpal.imaging.histogram import Histogram, look_up
from carpal.imaging.steps.step import Pixels, ProcessingStep, Share, full_scale

Percent = Annotated[float, Field(ge=0.0, le=100.0)]


class LinearCast(ProcessingStep):
    """Spread the levels between two bounds over 0..255; what lies outside is clipped."""

    casts: ClassVar[bool] = True

    @abstractmethod
    def bounds(self, pixels: Pixels) -> tuple[float, float]:
        """The two grey levels that become 0 and 255."""

    def apply(self, pixels: Pixels) -> tuple[Pixels, Affine]:
        """uint8, uint16 or float32 [H, W] to uint8 [H, W]; black where the two bounds are one."""
        low, high = self.bounds(pixels)
        if high <= low:
            return np.zeros(pixels.shape, np.uint8), Affine()
        return _cast(pixels, low, high), Affine()


class PercentileStretch(LinearCast):
    """fC: spread the grey levels between two percentiles over 0..255, in float, before the cast to eight bits.

    Sixteen-bit radiographs use a fraction of their range (hot collimation edges set the maximum), so that a plain
    division by 256 throws most levels away.
    """

    name: Literal["percentile-stretch"] = "percentile-stretch"
    low: Percent = Field(default=0.5, description="percentile that becomes 0")
    high: Percent = Field(default=99.5, description="percentile that becomes 255")
    ignore_zero: bool = Field(default=True, description="leave exact zeros (padding) out of the percentiles")
    # Left out of the JSON where it is not set, so that chains from before it keep their digest.
    rows: Annotated[int, Field(ge=16)] | None = Field(
        default=None,
        exclude_if=lambda rows: rows is None,
        description="count the levels of at least so many rows, spread evenly; all rows by default",
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low ({self.low}) must be below high ({self.high})")
        return self

    def bounds(self, pixels: Pixels) -> tuple[float, float]:
        """The two grey levels that become 0 and 255."""
        if self.rows is not None:
            pixels = pixels[:: max(1, len(pixels) // self.rows)]
        if pixels.dtype in (np.uint8, np.uint16):
            histogram = Histogram.of(pixels)
            if self.ignore_zero:
                histogram = histogram.without_zero()
            total = histogram.total
            if total == 0:
                return 0.0, 0.0
            low, high = histogram.levels_at(*(max(1.0, share / 100.0 * total) for share in (self.low, self.high)))
            return float(low), float(high)
        chosen = pixels[pixels != 0] if self.ignore_zero else pixels.ravel()
        if chosen.size == 0:
            return 0.0, 0.0
        # The same rank as the counted levels above give, so that float32 pixels get the same image.
        low, high = np.percentile(chosen, (self.low, self.high), method="inverted_cdf")
        return float(low), float(high)


class Scale(LinearCast):
    """fN: the same window of the full scale for every image, whatever is in it.

    With its defaults it is the plain cast: uint8 stays as it is, uint16 is divided by 257 and rounded.
    """

    name: Literal["scale"] = "scale"
    low: Share = Field(default=0.0, description="share of full scale that becomes 0")
    high: Share = Field(default=1.0, description="share of full scale that becomes 255")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low ({self.low}) must be below high ({self.high})")
        return self

    def bounds(self, pixels: Pixels) -> tuple[float, float]:
        """Those shares of the dtype's full scale; no pixel is looked at."""
        top = full_scale(pixels)
        return self.low * top, self.high * top


class ZScore(LinearCast):
    """fN: mean and standard deviation of every image made alike.

    Network inputs are bytes (docs/adr/0005), so a z of 0 becomes 127.5, and the byte scale ends at plus and minus
    ``limit_sd``: u = 127.5 + 127.5 z / limit_sd, rounded and clipped to 0..255 (docs/adr/0008).
    """

    name: Literal["z-score"] = "z-score"
    limit_sd: Annotated[float, Field(ge=0.5, le=20.0)] = Field(
        default=3.0, description="standard deviations from the mean that become 0 and 255"
    )
    ignore_zero: bool = Field(default=True, description="leave exact zeros (padding) out of mean and deviation")

    def bounds(self, pixels: Pixels) -> tuple[float, float]:
        """Mean minus and plus ``limit_sd`` deviations; both the mean where the image is constant."""
        mask = (pixels != 0).view(np.uint8) if self.ignore_zero else None
        mean, deviation = (float(value[0, 0]) for value in cv2.meanStdDev(np.ascontiguousarray(pixels), mask=mask))
        return mean - self.limit_sd * deviation, mean + self.limit_sd * deviation


def _cast(pixels: Pixels, low: float, high: float) -> NDArray[np.uint8]:
    """The float formula for each pixel; for grey levels, in a fraction of its time."""
    if pixels.dtype not in (np.uint8, np.uint16):
        return np.clip(_scaled(pixels.astype(np.float32), low, high), 0, 255).astype(np.uint8)
    if low.is_integer() and high.is_integer():
        first: Any = low  # OpenCV takes a number for an array of that number
        return np.asarray(cv2.convertScaleAbs(cv2.subtract(pixels, first), alpha=255.0 / (high - low)), np.uint8)
    return np.asarray(look_up(_table(full_scale(pixels), low, high), pixels), np.uint8)


def _table(top: int, low: float, high: float) -> NDArray[np.uint8]:
    """The byte of each level 0..top: computed between the bounds, where nothing needs clipping, else 0 or 255."""
    first, last = max(0, math.ceil(low)), min(top, math.floor(high))
    table = np.zeros(top + 1, np.uint8)
    table[last + 1 :] = 255
    table[first : last + 1] = _scaled(np.arange(first, last + 1, dtype=np.float32), low, high)
    return table


def _scaled(values: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    """Single precision, rounded, in place of the values."""
    values -= low
    values *= 255.0 / (high - low)
    return np.rint(values, out=values)
