"""The picture of a chain: a panel for each step, at its place and with its pixels."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from carpal.imaging.preprocess import ArtifactMask, Chain, FieldCrop, Gamma, Letterbox, Median, PercentileStretch
from carpal.imaging.preview import GAP_PX, GROUND, PANEL_PX, Panel, draw, panels

CHAIN = Chain(
    steps=(Median(), FieldCrop(), ArtifactMask(), PercentileStretch(), Gamma(), Letterbox(height_px=64, width_px=64))
)


def radiograph() -> np.ndarray:
    pixels = np.random.default_rng(0).integers(5_000, 9_000, (120, 100)).astype(np.uint16)
    pixels[:20] = 0
    pixels[60:90, 10:20] = 65_000
    return pixels


def shown(*, every_step: bool) -> list[Panel]:
    return panels(radiograph(), list(CHAIN.stages(radiograph())), every_step=every_step)


def picture(drawn: list[Panel]) -> np.ndarray:
    decoded = cv2.imdecode(np.frombuffer(draw(drawn), np.uint8), cv2.IMREAD_UNCHANGED)
    assert decoded is not None
    return decoded


def test_every_step_has_its_panel_with_name_parameters_and_what_it_found():
    drawn = shown(every_step=True)
    assert [panel.title for panel in drawn] == [
        "source", "1 median", "2 field-crop", "3 artifact-mask", "4 percentile-stretch", "5 gamma", "6 letterbox",
    ]  # fmt: skip
    assert drawn[0].lines == ("as read, whole range", "100 x 120 px, uint16")
    assert drawn[1].lines == ("size_px 3", "100 x 120 px, uint16")
    assert drawn[3].lines[-1].startswith("masked marker 10 x 30 px at (10, ")
    assert "ignore_zero yes" in drawn[4].lines[0]
    assert "rotate no" in " ".join(drawn[2].lines)


def test_without_the_steps_the_source_and_the_last_image_are_left():
    assert [panel.title for panel in shown(every_step=False)] == ["source", "6 letterbox"]


def test_five_panels_stand_in_a_row():
    width = GAP_PX + 5 * (PANEL_PX + GAP_PX)
    assert picture(shown(every_step=True)).shape[1] == width
    assert picture(shown(every_step=False)).shape[1] == GAP_PX + 2 * (PANEL_PX + GAP_PX)


@pytest.mark.parametrize(("shape", "side"), [((84, 42), (420, 210)), ((1, 1), (420, 420)), ((840, 1680), (210, 420))])
def test_an_image_fills_its_panel_at_its_own_aspect(shape: tuple[int, int], side: tuple[int, int]):
    drawn = picture([Panel("one", (), np.full(shape, 255, np.uint8))])
    image = drawn[-GAP_PX - PANEL_PX :]
    rows, columns = np.nonzero(image == 255)
    assert (rows.max() + 1, columns.max() + 1 - GAP_PX) == side
    assert (image[: side[0], GAP_PX : GAP_PX + side[1]] == 255).all()
    assert image[-1, -1] == GROUND


def test_sixteen_bits_are_shown_over_their_whole_range():
    drawn = picture([Panel("one", (), np.full((10, 10), 257 * 90, np.uint16))])
    assert (drawn[-GAP_PX - PANEL_PX : -GAP_PX, GAP_PX:-GAP_PX] == 90).all()


def test_a_step_that_finds_a_great_deal_shows_the_first_and_counts_the_rest():
    pixels = np.full((300, 300), 3_000, np.uint16)
    for place in range(6):
        pixels[20 + 45 * place : 45 + 45 * place, 30:50] = 65_000
    chain = Chain(steps=(ArtifactMask(), Letterbox(height_px=64, width_px=64)))
    panel = panels(pixels, list(chain.stages(pixels)), every_step=True)[1]
    assert (panel.lines[-1], sum(line.startswith("masked") for line in panel.lines)) == ("and 2 more", 4)
