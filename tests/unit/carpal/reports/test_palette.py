"""Colours are computed to be told apart: on their paper, and from one another with any colour vision."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from tests.unit.carpal.colour_vision import VISIONS, seen

from carpal.reports.palette import DARK, LIGHT, Theme, contrast, luminance

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert luminance("#ff0000") == pytest.approx(0.2126)


@THEMES
@pytest.mark.parametrize("ground", ["paper", "panel"])
def test_series_stand_out_from_the_paper(theme: Theme, ground: str) -> None:
    for colour in theme.series:
        assert contrast(colour, getattr(theme, ground)) >= 3.0, colour


@THEMES
@pytest.mark.parametrize("name", ["ink", "muted", "good", "bad"])
@pytest.mark.parametrize("ground", ["paper", "panel"])
def test_text_is_readable(theme: Theme, name: str, ground: str) -> None:
    assert contrast(getattr(theme, name), getattr(theme, ground)) >= 4.5


@THEMES
@pytest.mark.parametrize("vision", VISIONS)
def test_any_two_series_are_told_apart_with_any_colour_vision(theme: Theme, vision: str) -> None:
    """A distance of 20 in CIELAB is about nine just noticeable differences."""
    places = {colour: seen(colour, VISIONS[vision]) for colour in theme.series}
    nearest = min((float(np.linalg.norm(places[a] - places[b])), a, b) for a, b in combinations(theme.series, 2))
    assert nearest[0] >= 20.0, nearest


def test_every_colour_of_light_paper_has_one_name() -> None:
    """Drawings are made for light paper and find the variable by the colour, so no two may share one."""
    values = list(LIGHT.variables().values())
    assert len(set(values)) == len(values)
    assert LIGHT.variables().keys() == DARK.variables().keys()
