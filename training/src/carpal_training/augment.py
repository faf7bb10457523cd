"""Variations of a training image: copied findings, mosaic, windows, shift, scale, rotation, flips, brightness.

The meaning and the ranges are those of ultralytics (``data/augment.py``: Mosaic, RandomPerspective, RandomFlip,
RandomHSV), written for one grey channel on black. Each tile is warped straight into the result, instead of composing
the double-sized mosaic first. The random numbers come from a generator of the image and epoch, so that a resumed run
sees what an unbroken one would have seen.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from carpal_training.order import Shown
from carpal_training.paste import paste
from carpal_training.recipe import Augmentation

Image = NDArray[np.uint8]
Matrix = NDArray[np.float64]
Truth = tuple[NDArray[np.int64], NDArray[np.float32]]

SMALLEST_SIDE_PX = 2.0
SMALLEST_SHARE = 0.1  # of a box's area that must stay in view
FOCUS_SPREAD = 0.7  # of half a window: how far the centre of a window may lie from the centre of its finding


def vary(
    images: Shown, index: int, plan: Augmentation, rng: np.random.Generator, *, mosaic: bool
) -> tuple[Image, Truth]:
    """One varied image: uint8 [H, W], classes int64 [n], boxes float32 [n, 4] in network pixels.

    Args:
        images: what the epoch shows.
        index: of the image.
        plan: the augmentation.
        rng: of this image and epoch.
        mosaic: false in the last epochs, which have neither mosaics nor windows. With ``plan.window_px`` and true, H
            and W are the window's.
    """
    height, width = images.size_px
    frame, focus = (width, height), None
    if mosaic and plan.window_px is not None:
        frame = (plan.window_px, plan.window_px)
        focus = _window_focus(images.truth(index)[1], plan, rng, width, height)
    moves = _moves(plan, rng, *frame)
    x, y = focus or (width / 2, height / 2)
    tiles = [(index, moves @ _shift(-x, -y))]
    if mosaic and rng.random() < plan.mosaic:
        tiles = _tiles(images, index, moves, focus, rng)
    width, height = frame
    image = np.zeros((height, width), np.uint8)
    truths = []
    for tile, matrix in tiles:
        source, truth = images.image(tile), images.truth(tile)
        if len(images.rare) and rng.random() < plan.copy_paste:
            source, truth = paste(source, truth, *images.donor(int(rng.integers(len(images.rare)))), rng)
        cv2.warpAffine(source, matrix[:2], (width, height), dst=image, borderMode=cv2.BORDER_TRANSPARENT)
        truths.append(_moved(*truth, matrix, width, height))
    classes = np.concatenate([truth[0] for truth in truths])
    boxes = np.concatenate([truth[1] for truth in truths])
    if rng.random() < plan.flip_left_right:
        image = np.ascontiguousarray(image[:, ::-1])
        boxes = np.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], axis=1)
    if rng.random() < plan.flip_up_down:
        image = np.ascontiguousarray(image[::-1])
        boxes = np.stack([boxes[:, 0], height - boxes[:, 3], boxes[:, 2], height - boxes[:, 1]], axis=1)
    gain = 1.0 + plan.brightness * rng.uniform(-1.0, 1.0)
    table = np.clip(np.arange(256) * gain, 0, 255).astype(np.uint8)
    return cv2.LUT(image, table).astype(np.uint8, copy=False), (classes, boxes)


def _window_focus(
    boxes: NDArray[np.float32], plan: Augmentation, rng: np.random.Generator, width: int, height: int
) -> tuple[float, float]:
    """The point (x, y) of the image at the centre of a window: near a finding, or anywhere in the image."""
    half = (plan.window_px or 0) / 2
    if len(boxes) and rng.random() < plan.window_on_finding:
        box = boxes[rng.integers(len(boxes))]
        spread = half * FOCUS_SPREAD
        x, y = (box[:2] + box[2:]) / 2 + rng.uniform(-spread, spread, 2)
    else:
        x, y = rng.uniform(half, width - half), rng.uniform(half, height - half)
    return float(np.clip(x, half, width - half)), float(np.clip(y, half, height - half))


def _moves(plan: Augmentation, rng: np.random.Generator, width: int, height: int) -> Matrix:
    """Rotation and scale about the origin, then a shift that takes the origin near the centre of the frame."""
    angle = np.deg2rad(rng.uniform(-plan.degrees, plan.degrees))
    scale = rng.uniform(1.0 - plan.scale, 1.0 + plan.scale)
    shift = rng.uniform(-plan.translate, plan.translate, 2) * (width, height)
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    turn = np.array([[cosine, sine, 0.0], [-sine, cosine, 0.0], [0.0, 0.0, 1.0]])
    moves: Matrix = _shift(width / 2 + shift[0], height / 2 + shift[1]) @ turn
    return moves


def _tiles(
    images: Shown, index: int, moves: Matrix, focus: tuple[float, float] | None, rng: np.random.Generator
) -> list[tuple[int, Matrix]]:
    """Four images around a random cross in the middle of a double-sized canvas.

    Without a window (``focus`` is None) the middle of the canvas is seen. With one, it is the same place of the first
    image as without the mosaic, and what lies beside it.
    """
    height, width = images.size_px
    cross_x, cross_y = rng.uniform(0.0, width), rng.uniform(0.0, height)
    corners = [(-width, -height), (0, -height), (-width, 0), (0, 0)]
    chosen = [index, *images.partners(index, 3, rng)]
    x, y = (width / 2, height / 2) if focus is None else (focus[0] + cross_x - width, focus[1] + cross_y - height)
    return [
        (tile, moves @ _shift(cross_x + left - x, cross_y + top - y))
        for tile, (left, top) in zip(chosen, corners, strict=True)
    ]


def _shift(x: float, y: float) -> Matrix:
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def _moved(classes: NDArray[np.int64], boxes: NDArray[np.float32], matrix: Matrix, width: int, height: int) -> Truth:
    """Boxes around the mapped corners, cut at the frame; those of which too little is left are dropped."""
    corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2) @ matrix[:2, :2].T + matrix[:2, 2]
    whole = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
    cut = np.clip(whole, 0, [width, height, width, height])
    sides, before = cut[:, 2:] - cut[:, :2], whole[:, 2:] - whole[:, :2]
    share = np.prod(sides, axis=1) / np.maximum(np.prod(before, axis=1), 1e-9)
    kept = (sides.min(axis=1, initial=np.inf) > SMALLEST_SIDE_PX) & (share > SMALLEST_SHARE)
    return classes[kept], cut[kept].astype(np.float32)
