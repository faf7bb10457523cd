"""Times are where the integral of the rate says, whatever the rate does."""

from __future__ import annotations

import numpy as np
import pytest

from carpal_loadtests.intensity import Intensity, Piece


def test_a_constant_rate_gives_equal_gaps() -> None:
    np.testing.assert_allclose(Intensity([Piece(2, 5, 5)]).even(), np.arange(10) / 5, atol=1e-12)


def test_a_rising_rate_gives_the_times_of_the_square_root() -> None:
    # The integral of 4 t is 2 t**2, so the k-th arrival is at sqrt(k / 2).
    times = Intensity([Piece(3, 0, 12)]).even()
    assert len(times) == 18
    np.testing.assert_allclose(times, np.sqrt(np.arange(18) / 2), atol=1e-9)


def test_a_falling_rate_mirrors_the_rising_one() -> None:
    up, down = (Intensity([Piece(3, *rates)]) for rates in ((0, 12), (12, 0)))
    counts = np.linspace(0, 17.9, 50)
    np.testing.assert_allclose(down.times_of(counts), 3 - up.times_of(18 - counts), atol=1e-6)


def test_a_pause_holds_no_arrivals() -> None:
    times = Intensity([Piece(1, 10, 10), Piece(5, 0, 0), Piece(1, 10, 10)]).even()
    assert len(times) == 20
    assert not ((times >= 1.0) & (times < 6.0)).any()
    assert times[10] == pytest.approx(6.0)


@pytest.mark.parametrize("piece", [Piece(1, 3, 3), Piece(1, 0, 6), Piece(1, 6, 0)])
def test_every_even_arrival_lies_in_its_piece(piece: Piece) -> None:
    times = Intensity([piece]).even()
    assert len(times) == 3
    assert times[0] == 0
    assert times[-1] < 1


def test_nothing_comes_of_no_rate() -> None:
    nothing = Intensity([Piece(5, 0, 0)])
    assert len(nothing.even()) == len(nothing.poisson(np.random.default_rng(0))) == 0


def test_a_poisson_process_follows_its_rate() -> None:
    intensity = Intensity([Piece(100, 10, 30), Piece(100, 30, 30)])
    times = intensity.poisson(np.random.default_rng(5))
    assert len(times) == pytest.approx(5000, abs=4 * 5000**0.5)
    assert (np.diff(times) > 0).all()
    first, second = (times < 100).sum(), (times >= 100).sum()
    assert first == pytest.approx(2000, abs=4 * 2000**0.5)
    assert second == pytest.approx(3000, abs=4 * 3000**0.5)
