"""fA: the exposed field, without the black that collimation and rotation leave around it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from carpal.imaging.geometry import Affine
from carpal.imaging.steps.step import Cost, Pixels, ProcessingStep, Share, full_scale

# The field is looked for on every n-th row and column, so that a large detector costs no more than a small one.
_SEARCH_PX = 512
_UPRIGHT_DEG = 0.25


@dataclass(frozen=True)
class ExposedField:
    """A rectangle in source pixels: centre, sides, and the angle in degrees by which it is turned clockwise."""

    x: float
    y: float
    width: float
    height: float
    angle_deg: float = 0.0


class FieldCrop(ProcessingStep):
    """fA: cut the image down to the largest bright region on black, and turn that upright where it was asked for.

    An upright crop only moves pixels, so boxes return exactly. De-rotation returns points exactly, and of a box the
    upright box around its turned corners, which is larger: see docs/adr/0008. The image stays as it is where nothing
    is brighter than the background, or the region is smaller than ``least_share``.
    """

    cost: ClassVar[Cost] = "low"
    name: Literal["field-crop"] = "field-crop"
    background: Share = Field(default=0.01, description="highest level of the background, share of full scale")
    least_share: Share = Field(default=0.1, description="smallest field that is believed, share of the image")
    rotate: bool = Field(default=False, description="turn a tilted field upright")

    def apply(self, pixels: Pixels) -> tuple[Pixels, Affine]:
        """Same dtype; the shape is that of the field."""
        found = self.find(pixels)
        if found is None:
            return pixels, Affine()
        if found.angle_deg:
            return _turned(pixels, found)
        left, top = round(found.x - found.width / 2), round(found.y - found.height / 2)
        cut = pixels[top : top + round(found.height), left : left + round(found.width)]
        return np.ascontiguousarray(cut), Affine.shift(-left, -top)

    def finds(self, pixels: Pixels) -> tuple[str, ...]:
        """The field's size, place and angle."""
        found = self.find(pixels)
        if found is None:
            return ("no field: left as it is",)
        return (
            f"field {found.width:.0f} x {found.height:.0f} px about ({found.x:.0f}, {found.y:.0f}), "
            f"turned {found.angle_deg:.1f} deg",
        )

    def find(self, pixels: Pixels) -> ExposedField | None:
        """The exposed field; None where there is none, or it is too small to be believed."""
        stride = math.ceil(max(pixels.shape) / _SEARCH_PX)
        bright = pixels[::stride, ::stride] > int(self.background * full_scale(pixels))
        _, labels, stats, _ = cv2.connectedComponentsWithStats(bright.astype(np.uint8), connectivity=4)
        if len(stats) < 2:
            return None
        largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
        if stats[largest, cv2.CC_STAT_AREA] < self.least_share * bright.size:
            return None
        x, y, width, height = (int(value) for value in stats[largest, : cv2.CC_STAT_AREA])
        if self.rotate:
            region = (labels[y : y + height, x : x + width] == largest).astype(np.uint8)
            turned = _tilted(region, x, y, stride)
            if abs(turned.angle_deg) > _UPRIGHT_DEG:
                return turned
        return _upright(x, y, width, height, stride, pixels.shape)


def _upright(x: int, y: int, width: int, height: int, stride: int, shape: tuple[int, ...]) -> ExposedField:
    """The box of a region of sampled pixels, widened by what lies between samples, so that it never cuts the field."""
    left, top = max(0, (x - 1) * stride + 1), max(0, (y - 1) * stride + 1)
    right, bottom = min(shape[1], (x + width) * stride), min(shape[0], (y + height) * stride)
    return ExposedField((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)


def _tilted(region: NDArray[np.uint8], x: int, y: int, stride: int) -> ExposedField:
    """The smallest rectangle around a region of sampled pixels whose first one is (x, y), turned by 45 degrees at most.

    The rectangle around pixel centres is half a pixel too small on each side.
    """
    contours, _ = cv2.findContours(region, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE, offset=(x, y))
    outline = np.concatenate(contours)
    (centre_x, centre_y), (width, height), angle = cv2.minAreaRect(outline)
    width, height, centre_x, centre_y = width + 1, height + 1, centre_x + 0.5, centre_y + 0.5
    # Versions of OpenCV differ in the range of the angle, and with it in which side they call the width.
    quarters = round(angle / 90.0)
    angle -= 90.0 * quarters
    if quarters % 2:
        width, height = height, width
    return ExposedField(centre_x * stride, centre_y * stride, width * stride, height * stride, angle)


def _turned(pixels: Pixels, field: ExposedField) -> tuple[Pixels, Affine]:
    """The field alone, upright."""
    width, height = max(1, round(field.width)), max(1, round(field.height))
    angle = math.radians(field.angle_deg)
    cosine, sine = math.cos(angle), math.sin(angle)
    about_zero = Affine.shift(-field.x, -field.y).then(Affine(a=cosine, b=sine, d=-sine, e=cosine))
    moved = about_zero.then(Affine.shift(width / 2, height / 2))
    # OpenCV's frame has its origin in the middle of the first pixel, ours at its corner.
    centres = Affine.shift(0.5, 0.5).then(moved).then(Affine.shift(-0.5, -0.5))
    upright: Pixels = cv2.warpAffine(pixels, centres.matrix[:2], (width, height), flags=cv2.INTER_LINEAR)
    return upright.reshape(height, width), moved
