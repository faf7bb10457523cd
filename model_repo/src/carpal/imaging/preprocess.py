"""The declared chain from a radiograph to what the network sees: I_pre = fN(fC(fA(I))).

A chain is data: it lives in the model's manifest, has a digest, and runs the same in training and in serving.
Each step is a small frozen class with a name; a step that moves pixels says by which affine map.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from carpal.document import Document
from carpal.imaging.geometry import Affine

Pixels = NDArray[Any]
Fraction = Annotated[float, Field(ge=0.0, le=100.0)]


class PercentileStretch(Document):
    """fC: spread the grey levels between two percentiles over 0..255, in float, before the cast to eight bits.

    Sixteen-bit radiographs use a fraction of their range (hot collimation edges set the maximum), so that a plain
    division by 256 throws most levels away.
    """

    name: Literal["percentile-stretch"] = "percentile-stretch"
    low: Fraction = Field(default=0.5, description="percentile that becomes 0")
    high: Fraction = Field(default=99.5, description="percentile that becomes 255")
    ignore_zero: bool = Field(default=True, description="leave exact zeros (padding) out of the percentiles")

    @model_validator(mode="after")
    def _ordered(self) -> PercentileStretch:
        if self.low >= self.high:
            raise ValueError(f"low ({self.low}) must be below high ({self.high})")
        return self

    def apply(self, pixels: Pixels) -> tuple[Pixels, Affine]:
        """uint8, uint16 or float32 [H, W] to uint8 [H, W]; a constant image becomes black."""
        low, high = self.bounds(pixels)
        if high <= low:
            return np.zeros(pixels.shape, np.uint8), Affine()
        if pixels.dtype in (np.uint8, np.uint16):
            # A table over the grey levels costs one look-up a pixel, and gives exactly what the float formula gives.
            levels = np.arange(np.iinfo(pixels.dtype).max + 1, dtype=np.float32)
            table = self._scale(levels, low, high)
            return table.take(pixels), Affine()
        return self._scale(pixels, low, high), Affine()

    def bounds(self, pixels: Pixels) -> tuple[float, float]:
        """The two grey levels that become 0 and 255."""
        if pixels.dtype in (np.uint8, np.uint16):
            counts = np.bincount(pixels.ravel(), minlength=2)
            if self.ignore_zero:
                counts[0] = 0
            total = int(counts.sum())
            if total == 0:
                return 0.0, 0.0
            cumulative = np.cumsum(counts)
            low, high = (
                float(np.searchsorted(cumulative, max(1.0, percent / 100.0 * total)))
                for percent in (self.low, self.high)
            )
            return low, high
        chosen = pixels[pixels != 0] if self.ignore_zero else pixels.ravel()
        if chosen.size == 0:
            return 0.0, 0.0
        # The same rank as the counted levels above give, so that float32 pixels get the same image.
        low, high = np.percentile(chosen, (self.low, self.high), method="inverted_cdf")
        return float(low), float(high)

    @staticmethod
    def _scale(values: Pixels, low: float, high: float) -> NDArray[np.uint8]:
        scaled = (np.asarray(values, np.float32) - low) * (255.0 / (high - low))
        clipped: NDArray[np.uint8] = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
        return clipped


class Letterbox(Document):
    """fN: fit the image into the network's frame at its own aspect ratio and pad the rest evenly on both sides."""

    name: Literal["letterbox"] = "letterbox"
    height_px: Annotated[int, Field(gt=0, le=8192, multiple_of=32)]
    width_px: Annotated[int, Field(gt=0, le=8192, multiple_of=32)]
    pad_value: Annotated[int, Field(ge=0, le=255)] = Field(default=0, description="grey level of the border")

    def map(self, width: int, height: int) -> Affine:
        """Source pixels of an image of the given size to network pixels.

        The two scales differ by the rounding of the resized size to whole pixels, so the inverse is exact.
        """
        ratio = min(self.width_px / width, self.height_px / height)
        inner_width, inner_height = self._inner(width, height, ratio)
        left, top = (self.width_px - inner_width) // 2, (self.height_px - inner_height) // 2
        return Affine.scale(inner_width / width, inner_height / height).then(Affine.shift(left, top))

    def apply(self, pixels: Pixels) -> tuple[Pixels, Affine]:
        """uint8 [h, w] to uint8 [height_px, width_px]; area averaging when it shrinks, linear when it grows."""
        height, width = pixels.shape
        ratio = min(self.width_px / width, self.height_px / height)
        inner_width, inner_height = self._inner(width, height, ratio)
        method = cv2.INTER_AREA if ratio < 1.0 else cv2.INTER_LINEAR
        inner = (
            pixels
            if (inner_width, inner_height) == (width, height)
            else cv2.resize(pixels, (inner_width, inner_height), interpolation=method)
        )
        canvas = np.full((self.height_px, self.width_px), self.pad_value, np.uint8)
        left, top = (self.width_px - inner_width) // 2, (self.height_px - inner_height) // 2
        canvas[top : top + inner_height, left : left + inner_width] = inner
        return canvas, self.map(width, height)

    def _inner(self, width: int, height: int, ratio: float) -> tuple[int, int]:
        return max(1, min(self.width_px, round(width * ratio))), max(1, min(self.height_px, round(height * ratio)))


Step = Annotated[PercentileStretch | Letterbox, Field(discriminator="name")]


@dataclass(frozen=True)
class Prepared:
    """What the network gets, and the way back.

    Attributes:
        image: uint8 [1, H, W] in network pixels.
        to_network: affine map from source pixels to network pixels; its inverse takes boxes back.
    """

    image: NDArray[np.uint8]
    to_network: Affine


class Chain(Document):
    """The ordered steps; the last one is a letterbox, which fixes the size that the network gets."""

    steps: Annotated[tuple[Step, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _ends_in_a_letterbox(self) -> Chain:
        places = [index for index, step in enumerate(self.steps) if isinstance(step, Letterbox)]
        if places != [len(self.steps) - 1]:
            raise ValueError("exactly one letterbox, as the last step")
        return self

    @property
    def letterbox(self) -> Letterbox:
        """The last step."""
        step = self.steps[-1]
        assert isinstance(step, Letterbox)
        return step

    @property
    def digest(self) -> str:
        """``sha256:`` over the canonical JSON of the chain."""
        return "sha256:" + hashlib.sha256(self.to_json()).hexdigest()

    def apply(self, pixels: Pixels) -> Prepared:
        """Run every step on grey pixels [H, W]."""
        to_network = Affine()
        for step in self.steps:
            pixels, moved = step.apply(pixels)
            to_network = to_network.then(moved)
        return Prepared(np.ascontiguousarray(pixels[None]), to_network)


def default_chain(size_px: int = 640) -> Chain:
    """Percentile stretch over the exposed field, then a square letterbox on black."""
    return Chain(steps=(PercentileStretch(), Letterbox(height_px=size_px, width_px=size_px)))
