import numpy as np
import pytest

from carpal.phantoms.exposure import sample_beam
from carpal.phantoms.marker import draw_markers


@pytest.mark.parametrize("side", ["L", "R"])
def test_a_marker_fills_its_box_and_lies_beside_the_bones(film_of, wrist, side):
    film = film_of(wrist())
    layer, marks = draw_markers(film, sample_beam(np.random.default_rng(1)), side, np.random.default_rng(4))
    for mark in marks:
        x0, y0, x1, y1 = (int(v) for v in mark.box)
        part = layer[y0:y1, x0:x1]
        assert part.max() > 0.7
        for edge in (part[0], part[-1], part[:, 0], part[:, -1]):
            assert edge.max() > 0.25
        assert film.mineral[y0:y1, x0:x1].mean() < 1
        layer[y0 - 1 : y1 + 1, x0 - 1 : x1 + 1] = 0
    assert layer.max() == 0


def test_some_pictures_carry_a_second_letter(film_of, wrist):
    beam = sample_beam(np.random.default_rng(1))
    film = film_of(wrist())
    counts = [len(draw_markers(film, beam, "L", np.random.default_rng(i))[1]) for i in range(60)]
    assert set(counts) == {1, 2}
    assert np.mean(np.array(counts) == 2) == pytest.approx(0.17, abs=0.12)
