"""Colours are computed to be told apart: on their paper, and from one another with any colour vision."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from carpal.reports.palette import DARK, LIGHT, Theme, contrast, linear, luminance

# Machado, Oliveira, Fernandes: A physiologically-based model for simulation of color vision deficiency, 2009;
# severity 1.
VISIONS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)


def lab(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIELAB of linear sRGB, white point D65 (CIE 15)."""
    ratio = TO_XYZ @ np.clip(light, 0, 1) / (TO_XYZ @ np.ones(3))
    f = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


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
    seen = {colour: lab(VISIONS[vision] @ np.array(linear(colour))) for colour in theme.series}
    nearest = min((float(np.linalg.norm(seen[a] - seen[b])), a, b) for a, b in combinations(theme.series, 2))
    assert nearest[0] >= 20.0, nearest


def test_every_colour_of_light_paper_has_one_name() -> None:
    """Drawings are made for light paper and find the variable by the colour, so no two may share one."""
    values = list(LIGHT.variables().values())
    assert len(set(values)) == len(values)
    assert LIGHT.variables().keys() == DARK.variables().keys()
