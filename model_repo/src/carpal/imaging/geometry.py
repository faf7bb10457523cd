"""Boxes and the affine map between a source image and what the network sees.

Frames: *source pixels* have their origin at the top-left corner of the top-left pixel, x to the right (columns),
y down (rows), so a box over the whole image is (0, 0, width, height). *Network pixels* are the same for the prepared
image.
Boxes are float64 arrays [n, 4] of (x0, y0, x1, y1) with x0 <= x1 and y0 <= y1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64]


@dataclass(frozen=True)
class Affine:
    """x' = a x + b y + c, y' = d x + e y + f, from one pixel frame to another."""

    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0
    e: float = 1.0
    f: float = 0.0

    @classmethod
    def scale(cls, x: float, y: float) -> Self:
        """A stretch about the origin."""
        return cls(a=x, e=y)

    @classmethod
    def shift(cls, x: float, y: float) -> Self:
        """A move by x columns and y rows."""
        return cls(c=x, f=y)

    def then(self, after: Affine) -> Affine:
        """This map followed by another."""
        return Affine(
            after.a * self.a + after.b * self.d,
            after.a * self.b + after.b * self.e,
            after.a * self.c + after.b * self.f + after.c,
            after.d * self.a + after.e * self.d,
            after.d * self.b + after.e * self.e,
            after.d * self.c + after.e * self.f + after.f,
        )

    def inverse(self) -> Affine:
        """The exact inverse; a scale of zero has none."""
        return Affine(*np.linalg.inv(self.matrix)[:2].ravel().tolist())

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The map as a 3 x 3 matrix on column vectors (x, y, 1)."""
        return np.array([[self.a, self.b, self.c], [self.d, self.e, self.f], [0.0, 0.0, 1.0]])

    def boxes(self, boxes: Boxes) -> Boxes:
        """The axis-aligned boxes around the mapped corners; [n, 4] to [n, 4]."""
        boxes = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
        x = boxes[:, [0, 2, 2, 0]]
        y = boxes[:, [1, 1, 3, 3]]
        u = self.a * x + self.b * y + self.c
        v = self.d * x + self.e * y + self.f
        return np.stack([u.min(axis=1), v.min(axis=1), u.max(axis=1), v.max(axis=1)], axis=1)


def fitted(width: int, height: int, *, into: tuple[int, int]) -> tuple[int, int]:
    """Width and height of an image that is scaled to fill a frame (width, height) at its own aspect ratio.

    Whole pixels, at least one, so that the two scales may differ by the rounding.
    """
    ratio = min(into[0] / width, into[1] / height)
    return max(1, min(into[0], round(width * ratio))), max(1, min(into[1], round(height * ratio)))


def clip(boxes: Boxes, width: int, height: int) -> Boxes:
    """Boxes cut at the frame of an image of the given size in pixels."""
    clipped: Boxes = np.clip(boxes, 0.0, np.array([width, height, width, height], dtype=np.float64))
    return clipped


def area(boxes: Boxes) -> NDArray[np.float64]:
    """Areas in square pixels; [n, 4] to [n]."""
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0.0)
    product: NDArray[np.float64] = sides[:, 0] * sides[:, 1]
    return product


def iou(first: Boxes, second: Boxes) -> NDArray[np.float64]:
    """Intersection over union of each pair; [n, 4] and [m, 4] to [n, m]. Two empty boxes have an IoU of 0."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    overlap = np.prod(np.maximum(high - low, 0.0), axis=2)
    union = area(first)[:, None] + area(second)[None, :] - overlap
    ratio: NDArray[np.float64] = np.divide(overlap, union, out=np.zeros_like(overlap), where=union > 0)
    return ratio
