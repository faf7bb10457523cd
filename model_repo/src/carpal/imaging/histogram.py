"""Grey levels counted: one pass over the pixels, after which any number of ranks costs next to nothing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[Any]

_BLOCK = 256
# cv2.calcHist counts in whole numbers and hands them over as float32, which holds every whole number up to 2 ** 24.
_EXACT = 2**24


@dataclass(frozen=True)
class Histogram:
    """How many pixels have each grey level.

    Attributes:
        counts: int32 or int64 [levels], level 0 first; as many as the dtype of the pixels can have.
    """

    counts: NDArray[np.int32] | NDArray[np.int64]

    @classmethod
    def of(cls, pixels: Pixels) -> Histogram:
        """Count uint8 or uint16 pixels [H, W]."""
        levels = np.iinfo(pixels.dtype).max + 1
        if 0 < pixels.size < _EXACT:
            return cls(cv2.calcHist([pixels], [0], None, [levels], [0, levels]).ravel().astype(np.int32))
        return cls(np.bincount(pixels.ravel(), minlength=levels))

    @cached_property
    def total(self) -> int:
        """How many were counted."""
        return int(self.counts.sum())

    def without_zero(self) -> Histogram:
        """The same without level 0, which is padding."""
        counts = self.counts.copy()
        counts[0] = 0
        return Histogram(counts)

    def levels_at(self, *ranks: float) -> tuple[int, ...]:
        """For each rank r, the lowest level at or below which at least r pixels lie; the highest level for r too high.

        In two strides, blocks and then levels inside one, because a running sum over 65536 levels is most of the work.
        """
        blocks = np.cumsum(self.counts.reshape(-1, _BLOCK).sum(axis=1))
        return tuple(self._level_at(rank, blocks) for rank in ranks)

    def _level_at(self, rank: float, blocks: NDArray[np.int64]) -> int:
        block = min(int(np.searchsorted(blocks, rank)), len(blocks) - 1)
        before = int(blocks[block - 1]) if block else 0
        inside = np.cumsum(self.counts[block * _BLOCK : (block + 1) * _BLOCK])
        return block * _BLOCK + min(int(np.searchsorted(inside, rank - before)), _BLOCK - 1)


def look_up(table: NDArray[Any], pixels: Pixels) -> Pixels:
    """The entry of a table [levels] for each uint8 or uint16 pixel."""
    looked_up: Pixels = cv2.LUT(pixels, table).reshape(pixels.shape)
    return looked_up
