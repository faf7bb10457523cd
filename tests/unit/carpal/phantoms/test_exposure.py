from dataclasses import replace

import numpy as np
import pytest

from carpal.phantoms.attenuation import Film
from carpal.phantoms.exposure import Beam, expose, field_depth_px, quantise, sample_beam

STRAIGHT = Beam(0.08, 0.01, 0.05, 0.006, 0.5, 0.0, (0.01, 0.01, 0.01, 0.01), 0.15, 0.5, 3500)


@pytest.fixture
def film(film_of, wrist) -> Film:
    return film_of(wrist())


def exposed(film: Film, beam: Beam, cast=None) -> np.ndarray:
    return expose(film, beam, cast, film.canvas.blank(), np.random.default_rng(2)) / 65535


def test_bone_is_brighter_than_soft_tissue_and_that_than_air(film: Film):
    grey = exposed(film, STRAIGHT)
    bone, air = film.mineral > 4, (film.soft < 0.1) & (field_depth_px(film.canvas, STRAIGHT) > 15)
    soft = (film.soft > 15) & (film.mineral < 0.01)
    assert grey[bone].mean() > grey[soft].mean() + 0.1 > grey[air].mean() + 0.2


def test_outside_the_field_is_exactly_zero(film: Film):
    beam = replace(STRAIGHT, tilt_deg=40.0)
    grey = exposed(film, beam)
    outside = field_depth_px(film.canvas, beam) < -1
    assert outside.mean() > 0.2
    assert (grey[outside] == 0).all()


def test_the_middle_of_the_frame_is_exposed_at_any_tilt(film: Film):
    for tilt in range(-45, 46, 5):
        depth = field_depth_px(film.canvas, replace(STRAIGHT, tilt_deg=float(tilt)))
        assert depth[180, 130] > 60


def test_metal_is_near_the_top_of_the_scale(film: Film):
    film.metal[100:120, 100:120] = 1
    assert exposed(film, STRAIGHT)[105:115, 105:115].mean() > 0.8


def test_a_cast_lowers_contrast(film: Film):
    cast = np.full_like(film.soft, 10.0)
    bone, soft = film.mineral > 4, (film.soft > 15) & (film.mineral < 0.01)
    plain, wrapped = exposed(film, STRAIGHT), exposed(film, STRAIGHT, cast)
    assert wrapped[bone].mean() - wrapped[soft].mean() < 0.9 * (plain[bone].mean() - plain[soft].mean())


def test_a_stored_picture_spans_the_scale_in_detector_levels():
    grey = np.linspace(0.1, 0.8, 100_000, dtype=np.float32).reshape(200, 500)
    stored = quantise(grey, 3000)
    assert (stored.min(), stored.max()) == (0, 65535)
    assert len(np.unique(stored)) == pytest.approx(2100, abs=2)


def test_most_fields_are_nearly_straight_and_some_are_turned():
    tilts = np.abs([sample_beam(np.random.default_rng(i)).tilt_deg for i in range(400)])
    assert np.mean(tilts < 5) > 0.7
    assert 0.05 < np.mean(tilts > 8) < 0.3
    assert tilts.max() <= 45
