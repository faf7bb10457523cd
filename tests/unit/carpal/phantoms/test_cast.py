import numpy as np

from carpal.phantoms.cast import cast_layer


def test_a_cast_is_a_sleeve_around_the_forearm(film_of, wrist):
    film = film_of(wrist())
    layer = cast_layer(film, np.random.default_rng(0))
    row = 260
    limb, sleeve = np.flatnonzero(film.soft[row] > 1), np.flatnonzero(layer[row] > 1)
    assert sleeve[0] < limb[0] - 3
    assert limb[-1] + 3 < sleeve[-1]
    assert layer[row, 130] > 5
    assert layer[0].max() < 0.1
