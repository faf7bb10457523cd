"""Radiographs as callers send them who prepare them themselves: tensors of the size that the network takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from carpal.document import Document

MEDIA_TYPE = "application/x-tensor"


class Pixels(Document):
    """Synthetic wrist radiographs as the input tensor ``pixels`` of the Open Inference Protocol: the same for the same
    seed. They are drawn to the size as it is, so their proportions are not a wrist's where it is no square."""

    kind: Literal["pixels"] = "pixels"
    count: Annotated[int, Field(ge=1, le=1000)] = Field(default=4, description="different images")
    seed: Annotated[int, Field(ge=0)] = Field(default=0, description="of the drawings")
    height_px: Annotated[int, Field(ge=1, le=4096)] = Field(default=640, description="that the network takes")
    width_px: Annotated[int, Field(ge=1, le=4096)] = Field(default=640, description="that the network takes")
    datatype: Literal["uint8", "float32"] = Field(
        default="uint8", description="grey values, or shares of full scale, which are four times the bytes"
    )


@dataclass(frozen=True)
class Tensor:
    """What a body of grey bytes is sent as."""

    datatype: Literal["UINT8", "FP32"]
    shape: tuple[int, ...]

    def values(self, grey: bytes) -> np.ndarray[tuple[int], np.dtype[np.uint8 | np.float32]]:
        """The flat values of a body, of which a service makes the same grey bytes again."""
        levels = np.frombuffer(grey, np.uint8)
        return levels if self.datatype == "UINT8" else (levels / 255).astype("<f4")


def draw_pixels(pixels: Pixels, index: int) -> tuple[str, bytes, Tensor]:
    """Name, grey bytes [1, H, W] and tensor of one image."""
    # Imported here: drawing needs OpenCV, and a scenario of files does not.
    import cv2

    from carpal.phantoms import draw

    drawn = draw(pixels.seed, index, size_px=max(pixels.height_px, 64))
    grey = (drawn.pixels >> 8).astype(np.uint8)
    sized = cv2.resize(grey, (pixels.width_px, pixels.height_px), interpolation=cv2.INTER_AREA)
    tensor = Tensor("UINT8" if pixels.datatype == "uint8" else "FP32", (1, 1, pixels.height_px, pixels.width_px))
    return f"pixels-{pixels.seed}-{index}", sized.tobytes(), tensor
