"""fN on places: the whole image into the network's frame."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import cv2
import numpy as np
from pydantic import Field

from carpal.imaging.geometry import Affine, fitted
from carpal.imaging.steps.step import Cost, Pixels, ProcessingStep
from carpal.imaging.steps.stretch import Scale


class Letterbox(ProcessingStep):
    """fN: fit the image into the network's frame at its own aspect ratio and pad the rest evenly on both sides."""

    cost: ClassVar[Cost] = "low"
    name: Literal["letterbox"] = "letterbox"
    height_px: Annotated[int, Field(gt=0, le=8192, multiple_of=32)]
    width_px: Annotated[int, Field(gt=0, le=8192, multiple_of=32)]
    pad_value: Annotated[int, Field(ge=0, le=255)] = Field(default=0, description="grey level of the border")

    def map(self, width: int, height: int) -> Affine:
        """Source pixels of an image of the given size to network pixels.

        The two scales differ by the rounding of the resized size to whole pixels, so the inverse is exact.
        """
        inner_width, inner_height = fitted(width, height, into=(self.width_px, self.height_px))
        left, top = (self.width_px - inner_width) // 2, (self.height_px - inner_height) // 2
        return Affine.scale(inner_width / width, inner_height / height).then(Affine.shift(left, top))

    def apply(self, pixels: Pixels) -> tuple[Pixels, Affine]:
        """uint8 [h, w] to uint8 [height_px, width_px]; area averaging when it shrinks, linear when it grows.

        Sixteen bits that no step before it cast are cast as ``scale`` does.
        """
        height, width = pixels.shape
        inner_width, inner_height = fitted(width, height, into=(self.width_px, self.height_px))
        inner = pixels
        if (inner_width, inner_height) != (width, height):
            shrinks = inner_width < width or inner_height < height
            method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
            inner = cv2.resize(pixels, (inner_width, inner_height), interpolation=method)
        if inner.dtype != np.uint8:
            inner, _ = Scale().apply(inner)
        canvas = np.full((self.height_px, self.width_px), self.pad_value, np.uint8)
        left, top = (self.width_px - inner_width) // 2, (self.height_px - inner_height) // 2
        canvas[top : top + inner_height, left : left + inner_width] = inner
        return canvas, self.map(width, height)
