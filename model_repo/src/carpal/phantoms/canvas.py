"""The picture plane: millimetres of anatomy to pixels of the frame, and filled or stroked shapes on it."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Points = NDArray[np.float64]
Box = tuple[float, float, float, float]

_SHIFT = 4
_ONE = 1 << _SHIFT


@dataclass(frozen=True)
class Patch:
    """A shape drawn on a part of the frame: rows and columns of the part, and coverage 0..1 there."""

    rows: slice
    cols: slice
    cover: Floats

    @property
    def where(self) -> tuple[slice, slice]:
        """The index of the part within the frame."""
        return self.rows, self.cols


@dataclass(frozen=True)
class Mark:
    """What a finding drew: its extent (x0, y0, x1, y1) in pixels, and its outline (N, 2) where a polygon is kept."""

    box: Box
    outline: Points | None = None


class Canvas:
    """A frame of height x width pixels with its affine from millimetres (x across, y towards the elbow)."""

    def __init__(self, height: int, width: int, matrix: Points) -> None:
        self.height = height
        self.width = width
        self.matrix = matrix
        linear = np.linalg.inv(matrix[:, :2])
        self.inverse = np.hstack([linear, -linear @ matrix[:, 2:]])
        self.px_per_mm = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))

    def px(self, points: Points) -> Points:
        """Return points (N, 2) in mm as pixel coordinates."""
        return np.asarray(points @ self.matrix[:, :2].T + self.matrix[:, 2])

    def blank(self) -> Floats:
        """Return a frame of zeros, float32 (height, width)."""
        return np.zeros((self.height, self.width), np.float32)

    def _window(self, points: Points, pad_px: float) -> tuple[slice, slice] | None:
        low = np.floor(points.min(axis=0) - pad_px).astype(int)
        high = np.ceil(points.max(axis=0) + pad_px).astype(int) + 1
        x0, y0 = max(0, low[0]), max(0, low[1])
        x1, y1 = min(self.width, high[0]), min(self.height, high[1])
        if x1 - x0 < 2 or y1 - y0 < 2:
            return None
        return slice(y0, y1), slice(x0, x1)

    def fill(self, points: Points, pad_mm: float = 0.6) -> Patch | None:
        """Return the filled polygon with points (N, 2) in mm, or None where it lies outside the frame."""
        at = self.px(points)
        window = self._window(at, 1 + pad_mm * self.px_per_mm)
        if window is None:
            return None
        return Patch(*window, self._draw(at, window, None, True))

    def stroke(self, points: Points, width_mm: float, closed: bool = False) -> Patch | None:
        """Return the polyline through points (N, 2) in mm, width_mm thick, or None outside the frame."""
        at = self.px(points)
        width = max(1.0, width_mm * self.px_per_mm)
        window = self._window(at, 2 + width)
        if window is None:
            return None
        return Patch(*window, self._draw(at, window, width, closed))

    def _draw(self, at: Points, window: tuple[slice, slice], width: float | None, closed: bool) -> Floats:
        rows, cols = window
        mask = np.zeros((rows.stop - rows.start, cols.stop - cols.start), np.uint8)
        corner = np.array([cols.start, rows.start], float)
        # Points far outside the frame are pulled in: fixed-point coordinates must not overflow.
        local = np.clip(at - corner, -4000, 8000)
        fixed = np.round(local * _ONE).astype(np.int32)
        if width is None:
            cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, _SHIFT)
        else:
            cv2.polylines(mask, [fixed], closed, 255, max(1, round(width)), cv2.LINE_AA, _SHIFT)
        return np.asarray(mask * np.float32(1 / 255), np.float32)

    def mm(self, patch: Patch) -> tuple[Floats, Floats]:
        """Return the x and y in mm of every pixel of a patch."""
        cols = np.arange(patch.cols.start, patch.cols.stop, dtype=np.float32)
        rows = np.arange(patch.rows.start, patch.rows.stop, dtype=np.float32)
        m = self.inverse.astype(np.float32)
        x = np.add.outer(rows * m[0, 1] + m[0, 2], cols * m[0, 0])
        y = np.add.outer(rows * m[1, 1] + m[1, 2], cols * m[1, 0])
        return x, y

    def mark(self, parts: Sequence[Points], margin_mm: float) -> Mark:
        """Return the pixel extent of points in mm with a margin, not yet clipped to the frame."""
        at = self.px(np.vstack(parts))
        margin = margin_mm * self.px_per_mm
        low, high = at.min(axis=0) - margin, at.max(axis=0) + margin
        return Mark((float(low[0]), float(low[1]), float(high[0]) + 1, float(high[1]) + 1))


def smooth(at: Floats, sigma_px: float) -> Floats:
    """Return a Gaussian blur of a float image."""
    return np.asarray(cv2.GaussianBlur(at, (0, 0), sigma_px, borderType=cv2.BORDER_REPLICATE), np.float32)
