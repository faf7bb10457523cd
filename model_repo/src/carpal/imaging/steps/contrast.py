"""fC: contrast that is spread by a curve or by a histogram. None of these is in the default chain."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import cv2
import numpy as np
from pydantic import Field

from carpal.imaging.geometry import Affine
from carpal.imaging.histogram import Histogram, look_up
from carpal.imaging.steps.step import Cost, Pixels, ProcessingStep, full_scale


class Clahe(ProcessingStep):
    """fC: contrast-limited adaptive histogram equalisation (Zuiderveld 1994), as OpenCV computes it."""

    cost: ClassVar[Cost] = "low"
    name: Literal["clahe"] = "clahe"
    clip_limit: Annotated[float, Field(gt=0.0, le=100.0)] = Field(
        default=2.0, description="highest count of a level, in multiples of the mean count"
    )
    tiles: Annotated[int, Field(ge=1, le=64)] = Field(default=8, description="tiles in each direction")

    def apply(self, pixels: Pixels) -> tuple[Pixels, Affine]:
        """Same dtype and shape. Of sixteen bits each tile has 65536 levels to count: put it after the stretch."""
        # An object of its own each time: OpenCV's keeps buffers, and two threads may not share it.
        return cv2.createCLAHE(self.clip_limit, (self.tiles, self.tiles)).apply(pixels), Affine()


class Gamma(ProcessingStep):
    """fC: raise each grey level, as a share of full scale, to a power; below 1 brightens dark tissue."""

    cost: ClassVar[Cost] = "low"
    name: Literal["gamma"] = "gamma"
    exponent: Annotated[float, Field(ge=0.1, le=10.0)] = Field(default=0.8, description="1 changes nothing")

    def apply(self, pixels: Pixels) -> tuple[Pixels, Affine]:
        """Same dtype and shape, by a table over the grey levels."""
        top = full_scale(pixels)
        shares = np.arange(top + 1, dtype=np.float64) / top
        return look_up(np.rint(shares**self.exponent * top).astype(pixels.dtype), pixels), Affine()


class Equalise(ProcessingStep):
    """fC: histogram equalisation of the whole image: every level about as frequent as any other."""

    cost: ClassVar[Cost] = "low"
    name: Literal["equalise"] = "equalise"
    ignore_zero: bool = Field(default=True, description="leave exact zeros (padding) out of the counts, and at zero")

    def apply(self, pixels: Pixels) -> tuple[Pixels, Affine]:
        """Same dtype and shape; a constant image stays as it is.

        The lowest counted level becomes 0 and the others follow the share of counted pixels at or below them, as in
        ``cv2.equalizeHist``, which knows eight bits only and counts the padding.
        """
        top = full_scale(pixels)
        histogram = Histogram.of(pixels)
        counts = (histogram.without_zero() if self.ignore_zero else histogram).counts
        filled = np.flatnonzero(counts)
        if len(filled) < 2:
            return pixels, Affine()
        lowest = counts[filled[0]]
        above = np.maximum(np.cumsum(counts) - lowest, 0)
        return look_up(np.rint(above * (top / above[-1])).astype(pixels.dtype), pixels), Affine()
