"""fA: less noise. None of these is in the default chain: filters that smooth also smooth fracture lines."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import cv2
import numpy as np
from pydantic import Field

from carpal.imaging.geometry import Affine
from carpal.imaging.steps.step import Cost, Pixels, ProcessingStep, full_scale


class Median(ProcessingStep):
    """fA: the median of each neighbourhood, which removes dead and hot pixels."""

    cost: ClassVar[Cost] = "low"
    name: Literal["median"] = "median"
    size_px: Literal[3, 5] = Field(default=3, description="side of the neighbourhood")

    def apply(self, pixels: Pixels) -> tuple[Pixels, Affine]:
        """Same dtype and shape."""
        return _shaped(cv2.medianBlur(pixels, self.size_px), pixels), Affine()


class Bilateral(ProcessingStep):
    """fA: smooth where neighbours are alike, keep edges that are stronger than the noise."""

    cost: ClassVar[Cost] = "medium"
    name: Literal["bilateral"] = "bilateral"
    size_px: Literal[3, 5, 7, 9] = Field(default=5, description="diameter of the neighbourhood")
    sigma_level: Annotated[float, Field(gt=0.0, le=1.0)] = Field(
        default=0.01, description="difference that still counts as noise, share of full scale"
    )
    sigma_px: Annotated[float, Field(gt=0.0, le=50.0)] = Field(default=2.0, description="reach of the neighbourhood")

    def apply(self, pixels: Pixels) -> tuple[Pixels, Affine]:
        """Same dtype and shape; OpenCV filters sixteen bits as float32."""
        wide = pixels.dtype != np.uint8
        given = pixels.astype(np.float32) if wide else pixels
        smooth = cv2.bilateralFilter(given, self.size_px, self.sigma_level * full_scale(pixels), self.sigma_px)
        # Levels are at least 0 and a mean lies between them, so a half added and cut off rounds and cannot overflow.
        return _shaped((smooth + np.float32(0.5)).astype(np.uint16) if wide else smooth, pixels), Affine()


class NonLocalMeans(ProcessingStep):
    """fA: the mean of all patches that look alike (Buades 2005). Costs 10 to 30 times what a small network does."""

    cost: ClassVar[Cost] = "high"
    name: Literal["non-local-means"] = "non-local-means"
    strength: Annotated[float, Field(gt=0.0, le=1.0)] = Field(
        default=0.005, description="difference of patches that still counts as noise, share of full scale"
    )
    patch_px: Literal[3, 5, 7] = Field(default=7, description="side of the patches that are compared")
    search_px: Literal[11, 15, 21] = Field(default=21, description="side of the window that is searched")

    def apply(self, pixels: Pixels) -> tuple[Pixels, Affine]:
        """Same dtype and shape; patches are compared by absolute differences, the only measure for sixteen bits."""
        height = self.strength * full_scale(pixels)
        smooth = cv2.fastNlMeansDenoising(
            pixels,
            h=[height],
            templateWindowSize=self.patch_px,
            searchWindowSize=self.search_px,
            normType=cv2.NORM_L1,
        )
        return _shaped(smooth, pixels), Affine()


def _shaped(filtered: Pixels, pixels: Pixels) -> Pixels:
    """OpenCV may give an image of one column or row another shape."""
    return filtered.reshape(pixels.shape)
