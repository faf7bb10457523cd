"""Artifacts: letters and metal are found by brightness and shape, bone and hot edges are not."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from carpal.imaging.readers import read
from carpal.imaging.steps.artifacts import ArtifactMask
from carpal.phantoms.classes import CLASS_NAMES
from carpal.phantoms.drawing import draw

BOTH = ArtifactMask(kinds=("marker", "metal"))
LETTER = (slice(40, 80), slice(20, 40))
PLATE = (slice(100, 180), slice(145, 155))


def hand() -> np.ndarray:
    """A soft bright bone on dark ground in a field with a hot edge and black around it; a letter, and a plate."""
    x = np.mgrid[-1:1:200j][None]
    pixels = np.rint((0.15 + 0.48 * np.exp(-5 * (x - 0.5) ** 2)) * 65535).repeat(240, axis=0)
    pixels[230:234] = 0.9 * 65535
    pixels[234:] = 0
    pixels[LETTER] = 60_000
    pixels[PLATE] = 65_535
    return pixels.astype(np.uint16)


def test_a_letter_on_dark_ground_is_a_marker_and_a_plate_on_bone_is_metal():
    found = {(each.kind, each.x, each.y, each.width, each.height) for each in BOTH.find(hand())}
    assert found == {("marker", 20, 40, 20, 40), ("metal", 145, 100, 10, 80)}


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_what_is_masked_gets_the_level_around_it_and_nothing_else_changes(depth: type):
    pixels = (hand() // (257 if depth is np.uint8 else 1)).astype(depth)
    made, _ = ArtifactMask().apply(pixels)
    ground = np.median(pixels[40:80, 45:48])
    assert np.abs(made[LETTER] / ground - 1).max() < 0.1
    changed = np.argwhere(made != pixels)
    assert (changed.min(axis=0) >= [37, 17]).all()
    assert (changed.max(axis=0) <= [82, 42]).all()
    assert (made[PLATE] == pixels[PLATE]).all()


def test_metal_is_masked_where_it_was_asked_for():
    made, _ = BOTH.apply(hand())
    assert made[PLATE].max() < 0.7 * 65535


def test_it_says_what_it_masked():
    assert ArtifactMask().finds(hand()) == ("masked marker 20 x 40 px at (20, 40)",)
    assert ArtifactMask().finds(np.zeros((9, 9), np.uint16)) == ("masked nothing",)


def test_a_speck_and_a_bright_half_are_left_alone():
    pixels = np.full((200, 200), 5_000, np.uint16)
    pixels[5, 5] = 65_535
    pixels[:, 100:] = 65_535
    assert ArtifactMask().find(pixels) == ()


def test_a_thing_in_the_corner_is_masked_too():
    pixels = np.full((100, 100), 5_000, np.uint16)
    pixels[:12, :9] = 65_535
    made, _ = ArtifactMask().apply(pixels)
    assert (made == 5_000).all()


def test_a_thing_with_padding_alone_around_it_is_left_alone():
    pixels = np.zeros((100, 100), np.uint16)
    pixels[40:50, 40:50] = 65_535
    assert BOTH.find(pixels) == ()


def test_the_side_letter_of_every_real_radiograph_is_masked_and_nothing_else(graz_images: list[Path]):
    for path in graz_images:
        (found,) = ArtifactMask().find(read(path).pixels)
        assert (found.x < 40, found.kind) == (True, "marker")


def test_nearly_every_marker_of_phantoms_is_found():
    """A rule of thumb: 174 of 182 on 160 phantoms of seed 9; 11 implants on dark ground are taken for markers."""
    letters = found = wrong = 0
    for index in range(16):
        phantom = draw(9, index)
        things = [(each.x + each.width / 2, each.y + each.height / 2) for each in ArtifactMask().find(phantom.pixels)]
        boxes = [box for box in phantom.boxes if CLASS_NAMES[int(box[0])] == "text"]
        inside = [any(x0 - 3 < x < x1 + 3 and y0 - 3 < y < y1 + 3 for x, y in things) for _, x0, y0, x1, y1 in boxes]
        letters, found, wrong = letters + len(boxes), found + sum(inside), wrong + len(things) - sum(inside)
    assert found >= 0.9 * letters
    assert wrong <= 5


def test_the_mask_is_the_thing_and_not_its_rectangle():
    pixels = np.full((120, 120), 5_000, np.uint16)
    cv2.line(pixels, (20, 20), (60, 60), 65_535, 4)
    (found,) = ArtifactMask().find(pixels)
    assert found.mask.mean() < 0.3
