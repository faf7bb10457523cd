"""How colourful a picture is: radiographs are grey, whatever the number of channels that they were saved with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_SAMPLED_PX = 256


def colourfulness(pixels: NDArray[Any]) -> float:
    """Mean difference between the strongest and the weakest colour of a pixel, as a share of full scale.

    Args:
        pixels: uint8 or uint16, [H, W] or [H, W, channels]; a second or fourth channel is alpha and does not count.

    Returns:
        0 for grey, whatever its channels, to 1. Every n-th row and column is looked at, some 256 of each.
    """
    if pixels.ndim == 2 or pixels.shape[2] < 3:
        return 0.0
    rows, columns = (max(1, side // _SAMPLED_PX) for side in pixels.shape[:2])
    colours = pixels[::rows, ::columns, :3]
    differences = colours.max(axis=2) - colours.min(axis=2)
    return float(differences.mean()) / float(np.iinfo(pixels.dtype).max)
