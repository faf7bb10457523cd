"""The linear casts: which grey level becomes which byte."""

from __future__ import annotations

import numpy as np
import pytest

from carpal.errors import ConfigError
from carpal.imaging.steps.stretch import PercentileStretch, Scale, ZScore, _cast, _table


def levels(dtype: type) -> np.ndarray:
    return np.arange(np.iinfo(dtype).max + 1, dtype=dtype).reshape(1, -1)


def test_scale_keeps_eight_bits_as_they_are():
    assert (Scale().apply(levels(np.uint8))[0] == levels(np.uint8)).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_whole_bounds_give_what_the_table_gives_on_every_level(dtype: type):
    random = np.random.default_rng(3)
    top = np.iinfo(dtype).max
    bounds = [sorted(random.choice(top + 1, 2, replace=False)) for _ in range(100)]
    bounds += [(low, min(top, low + width)) for low, width in random.integers(1, 300, (100, 2)) if low < top]
    for low, high in bounds:
        table = _table(top, float(low), float(high))
        assert (_cast(levels(dtype), float(low), float(high)) == table).all()
        assert (_cast(levels(dtype).T, float(low), float(high)).ravel() == table).all()


def test_scale_divides_sixteen_bits_by_257_and_rounds():
    pixels = levels(np.uint16)
    assert (Scale().apply(pixels)[0] == np.rint(pixels / 257)).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_scale_takes_the_window_it_is_given_from_every_image(dtype: type):
    top = np.iinfo(dtype).max
    pixels = np.array([[0, round(0.2 * top), round(0.4 * top), round(0.6 * top), top]], dtype)
    assert Scale(low=0.2, high=0.6).apply(pixels)[0].tolist() == [[0, 0, pytest.approx(128, abs=1), 255, 255]]


def test_z_score_puts_the_mean_in_the_middle_and_the_limit_at_the_ends():
    pixels = np.random.default_rng(0).normal(30_000, 2_000, (200, 200)).astype(np.uint16)
    made = ZScore(limit_sd=4).apply(pixels)[0].astype(float)
    assert made.mean() == pytest.approx(127.5, abs=0.1)
    assert made.std() == pytest.approx(127.5 / 4, rel=0.01)


def test_z_score_follows_its_formula():
    pixels = np.random.default_rng(1).gamma(2, 4000, (50, 60)).astype(np.uint16)
    z = (pixels - pixels.mean()) / pixels.std()
    expected = np.clip(np.rint(127.5 + 127.5 * z / 3), 0, 255)
    made = ZScore(ignore_zero=False).apply(pixels)[0]
    assert np.abs(made - expected).max() <= 1  # single precision may round a half the other way
    assert (made != expected).mean() < 0.001


def test_z_score_does_not_hang_on_padding_unless_told():
    pixels = np.random.default_rng(2).integers(10_000, 20_000, (40, 40)).astype(np.uint16)
    padded = np.pad(pixels, 30)
    assert (ZScore().apply(padded)[0][30:-30, 30:-30] == ZScore().apply(pixels)[0]).all()
    assert not (
        ZScore(ignore_zero=False).apply(padded)[0][30:-30, 30:-30] == ZScore(ignore_zero=False).apply(pixels)[0]
    ).all()


@pytest.mark.parametrize("step", [PercentileStretch(), ZScore()])
def test_an_image_of_padding_alone_becomes_black(step: PercentileStretch | ZScore):
    assert not step.apply(np.zeros((4, 4), np.uint16))[0].any()


def test_the_stretch_of_float_pixels_of_padding_alone_is_black():
    assert not PercentileStretch().apply(np.zeros((4, 4), np.float32))[0].any()


@pytest.mark.parametrize("data", [{"name": "scale", "low": 0.5, "high": 0.5}, {"name": "scale", "high": 1.5}])
def test_a_window_without_width_is_refused(data: dict[str, object]):
    with pytest.raises(ConfigError):
        Scale.parse(data, source="test")
