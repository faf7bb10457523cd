"""The letterbox is tested with the chain, which always ends in one; here is what only it promises."""

from __future__ import annotations

import numpy as np
import pytest

from carpal.imaging.steps.letterbox import Letterbox

STEP = Letterbox(height_px=64, width_px=96)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (64, 96), (63, 97)])
def test_an_image_of_any_shape_fits(shape: tuple[int, int]):
    canvas, moved = STEP.apply(np.full(shape, 200, np.uint8))
    assert (canvas.shape, canvas.dtype) == ((64, 96), np.uint8)
    assert (canvas == 200).any()
    assert moved == STEP.map(shape[1], shape[0])


def test_an_image_of_the_frames_size_is_copied():
    pixels = np.random.default_rng(0).integers(0, 255, (64, 96)).astype(np.uint8)
    canvas, _ = STEP.apply(pixels)
    assert (canvas == pixels).all()
    assert not np.shares_memory(canvas, pixels)
