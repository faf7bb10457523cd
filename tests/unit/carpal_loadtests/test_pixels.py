"""Tensors are grey radiographs of the size that is asked for, and the same every time."""

from __future__ import annotations

import numpy as np

from carpal_loadtests.pixels import Pixels, draw_pixels


def test_an_image_has_the_size_and_depends_on_the_seed_alone() -> None:
    name, body, tensor = draw_pixels(Pixels(seed=3, height_px=96, width_px=80), 1)
    assert (name, tensor.datatype, tensor.shape) == ("pixels-3-1", "UINT8", (1, 1, 96, 80))
    assert len(body) == 96 * 80
    assert np.ptp(np.frombuffer(body, np.uint8)) > 50
    assert draw_pixels(Pixels(seed=3, height_px=96, width_px=80), 1)[1] == body
    assert draw_pixels(Pixels(seed=4, height_px=96, width_px=80), 1)[1] != body


def test_a_size_below_the_smallest_phantom_is_drawn_too() -> None:
    assert len(draw_pixels(Pixels(height_px=8, width_px=8), 0)[1]) == 64


def test_shares_of_full_scale_are_four_times_the_bytes() -> None:
    _, body, tensor = draw_pixels(Pixels(height_px=16, width_px=16, datatype="float32"), 0)
    values = tensor.values(body)
    assert tensor.datatype == "FP32"
    assert values.nbytes == 4 * len(body)
    assert 0 <= values.min() < values.max() <= 1
