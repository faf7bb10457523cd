"""Colours: nine, all different, all to be seen on black, also by the colour-blind."""

from __future__ import annotations

from itertools import combinations

from tests.unit.carpal.colour_vision import VISIONS, seen

from carpal.records.palette import PALETTE, colour_of
from carpal.reports.palette import contrast


def hexadecimal(colour: tuple[int, int, int]) -> str:
    return "#" + bytes(reversed(colour)).hex()


def test_nine_colours_come_round_again():
    assert len(set(PALETTE)) == 9
    assert colour_of(10) == colour_of(1) == PALETTE[1]


def test_every_colour_is_bright_enough_on_black():
    for colour in PALETTE:
        assert contrast(hexadecimal(colour), "#000000") >= 3  # what WCAG 2 asks of graphics


def test_every_two_colours_differ_for_every_colour_vision():
    """A distance of 14 in CIELAB is about six just noticeable differences; the nearest are purple and grey."""
    for vision in VISIONS.values():
        places = [seen(hexadecimal(colour), vision) for colour in PALETTE]
        assert min(float(((first - second) ** 2).sum()) ** 0.5 for first, second in combinations(places, 2)) >= 14
