"""Down to the frame: how large, how true, and where everything went."""

from __future__ import annotations

import numpy as np
import pytest

from carpal.imaging.geometry import Affine
from carpal.imaging.preprocess import Letterbox, Reduce

STEP = Reduce(height_px=64, width_px=96)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(1, 5000), (5000, 1), (65, 97), (129, 200), (640, 640), (1291, 1137), (64, 97)])
def test_an_image_of_any_shape_gets_the_size_that_the_letterbox_would_give_it(dtype: type, shape: tuple[int, int]):
    pixels = np.full(shape, 200, dtype)
    made, moved = STEP.apply(pixels)
    assert (made.dtype, set(made.ravel().tolist())) == (dtype, {200})
    canvas, there = Letterbox(height_px=64, width_px=96).apply(made)
    assert canvas.astype(bool).sum() == made.size, "the letterbox after it only pads"
    direct = Letterbox(height_px=64, width_px=96).map(shape[1], shape[0])
    corners = np.array([[0.0, 0, shape[1], shape[0]]])
    # Rows and columns that fill no block are cut off, which is less than one pixel of the result.
    assert np.abs(moved.then(there).boxes(corners) - direct.boxes(corners)).max() < 1.0


@pytest.mark.parametrize("shape", [(1, 1), (64, 96), (10, 96), (63, 40)])
def test_what_fits_is_left_alone(shape: tuple[int, int]):
    pixels = np.arange(shape[0] * shape[1], dtype=np.uint16).reshape(shape)
    made, moved = STEP.apply(pixels)
    assert made is pixels
    assert moved == Affine()


def test_whole_blocks_are_averaged():
    pixels = np.random.default_rng(0).integers(0, 65536, (192, 288)).astype(np.uint16)
    means = pixels.reshape(64, 3, 96, 3).mean(axis=(1, 3))
    made, moved = STEP.apply(pixels)
    assert np.abs(made - means).max() <= 0.5 + 1e-9
    assert moved == Affine.scale(1 / 3, 1 / 3)


@pytest.mark.parametrize("width", [97, 150, 190, 191, 192, 250, 287, 700])
def test_no_pixel_is_passed_over(width: int):
    """A single bright column of a dark image leaves something, wherever it lies and whatever the factor."""
    block = width // 96
    for column in range(width // block * block):
        pixels = np.zeros((4, width), np.uint16)
        pixels[:, column] = 65535
        assert STEP.apply(pixels)[0].any(), column


def test_a_bright_spot_lands_where_the_map_says():
    pixels = np.zeros((1000, 700), np.uint16)
    pixels[300:340, 500:560] = 60000
    made, moved = Reduce(height_px=320, width_px=320).apply(pixels)
    rows, columns = np.nonzero(made > 30000)
    found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert np.abs(moved.boxes(np.array([[500.0, 300, 560, 340]]))[0] - found).max() <= 1
