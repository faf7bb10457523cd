"""Colours: eight, all different, all to be seen on black, also by the colour-blind."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from carpal.records.palette import PALETTE, colour_of

# Machado, Oliveira and Fernandes, IEEE TVCG 15(6), 2009: full protanopia and deuteranopia, on linear RGB.
PROTANOPIA = np.array(
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
)
DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)


def linear(colour: tuple[int, int, int]) -> np.ndarray:
    share = np.array(colour[::-1]) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def test_eight_colours_come_round_again():
    assert len(set(PALETTE)) == 8
    assert colour_of(9) == colour_of(1) == PALETTE[1]


def test_every_colour_is_bright_enough_on_black():
    for colour in PALETTE:
        luminance = linear(colour) @ [0.2126, 0.7152, 0.0722]
        assert (luminance + 0.05) / 0.05 >= 3  # the contrast that WCAG 2 asks of graphics


def test_every_two_colours_differ_for_every_colour_vision():
    for vision in (np.eye(3), PROTANOPIA, DEUTERANOPIA):
        for first, second in combinations(PALETTE, 2):
            difference = np.clip(vision @ linear(first), 0, 1) - np.clip(vision @ linear(second), 0, 1)
            assert np.abs(difference).max() > 0.04
