import numpy as np
import pytest

from carpal.phantoms.attenuation import TILE_PX, Film, Textures, add_nucleus, add_shaft, textures
from carpal.phantoms.canvas import Patch


@pytest.fixture
def film(film_of, wrist) -> Film:
    return film_of(wrist())


def test_cortex_is_brighter_than_medulla(film: Film):
    """A row across the shaft of the radius has two peaks at the borders and a valley between them."""
    bone = film.skeleton.shafts["radius"]
    y = 45.0
    left, right = bone.at(y)
    row, columns = round(170 + 3 * y), np.round(130 + 3 * np.linspace(left, right, 9)).astype(int)
    profile = film.mineral[row - 2 : row + 3, columns].mean(axis=0)
    assert max(profile[1:3]) > 1.25 * profile[4]
    assert max(profile[6:8]) > 1.25 * profile[4]


def test_osteopenia_takes_mineral_away(film: Film, wrist):
    body = wrist()
    healthy, poor = (Film(film.canvas, body, *(film.canvas.blank() for _ in range(3)), film.textures, rng)
                     for rng in (np.random.default_rng(1), np.random.default_rng(1)))  # fmt: skip
    for target, poverty in ((healthy, 0.0), (poor, 1.0)):
        add_shaft(target, body.shafts["radius"], poverty)
        add_nucleus(target, body.nuclei["capitate"], poverty)
    assert poor.mineral.sum() < 0.85 * healthy.mineral.sum()


def test_soft_tissue_fills_the_skin_and_thickens_towards_the_middle(film: Film):
    row = film.soft[250]
    inside = np.flatnonzero(row > 1)
    assert row[: inside[0]].max(initial=0) <= 1
    assert row[inside[len(inside) // 2]] > 1.5 * row[inside[3]]


def test_textures_are_made_from_the_seed():
    assert textures(0) is textures(0)
    assert not np.array_equal(textures(0).net, textures(1).net)


def test_a_texture_repeats_without_a_seam():
    patch = Patch(slice(0, 300), slice(0, 200), np.zeros((300, 200), np.float32))
    for tile in (textures(0).along, textures(0).muscle, textures(0).weave):
        part = Textures.part(tile, patch, (TILE_PX - 150, TILE_PX - 100))
        down = np.abs(np.diff(part, axis=0)).mean(axis=1)
        across = np.abs(np.diff(part, axis=1)).mean(axis=0)
        assert down[149] < 1.5 * np.median(down)
        assert across[99] < 1.5 * np.median(across)
