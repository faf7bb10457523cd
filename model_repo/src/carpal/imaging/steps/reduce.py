"""fN on places: a large image down to about the network's size, before anything looks at its grey levels."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import cv2
import numpy as np
from pydantic import Field

from carpal.imaging.geometry import Affine, fitted
from carpal.imaging.steps.step import Cost, Pixels, ProcessingStep


class Reduce(ProcessingStep):
    """fN: shrink to the largest size that fits the frame, at its own aspect ratio; a smaller image stays as it is.

    By the mean of whole blocks first, and linearly by less than two after that: OpenCV is many times as quick at both
    as at area averaging by a broken factor, and no pixel is passed over. Put it first: what follows has fewer pixels to
    work on, and grey levels are averaged before a stretch clips them.
    """

    cost: ClassVar[Cost] = "low"
    name: Literal["reduce"] = "reduce"
    height_px: Annotated[int, Field(gt=0, le=8192, description="of the frame")]
    width_px: Annotated[int, Field(gt=0, le=8192, description="of the frame")]

    def apply(self, pixels: Pixels) -> tuple[Pixels, Affine]:
        """Same dtype; at most the frame. Of the last rows and columns those are cut off that fill no block."""
        height, width = pixels.shape
        size = fitted(width, height, into=(self.width_px, self.height_px))
        if size[0] > width or size[1] > height or size == (width, height):
            return pixels, Affine()
        block = max(1, min(width // size[0], height // size[1]))
        whole_width, whole_height = width // block * block, height // block * block
        if block > 1:
            whole = pixels[:whole_height, :whole_width]
            blocks = (whole_width // block, whole_height // block)
            pixels = cv2.resize(whole, blocks, interpolation=cv2.INTER_AREA)
        if pixels.shape != (size[1], size[0]):
            pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR)
        return np.asarray(pixels).reshape(size[1], size[0]), Affine.scale(size[0] / whole_width, size[1] / whole_height)
