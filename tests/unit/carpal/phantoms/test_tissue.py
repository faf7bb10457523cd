import numpy as np

from carpal.phantoms.tissue import PronatorSign, Swelling, darken, fat_stripe


def test_a_pronator_sign_is_a_dark_bowed_line_within_its_box(paint):
    plain, film, ((x0, y0, x1, y1),) = paint(PronatorSign(8.0, 28.0, 6.0), "lateral")
    dark = plain.soft - film.soft > 0.1 * plain.soft
    rows, columns = np.nonzero(dark)
    assert x0 - 1 <= columns.min()
    assert columns.max() <= x1 + 1
    assert y0 - 3 <= rows.min()
    assert rows.max() <= y1 + 3
    middle, end = np.median(columns[np.abs(rows - (y0 + y1) / 2) < 4]), np.median(columns[rows > y1 - 10])
    assert middle > end + 8


def test_a_swelling_bulges_the_skin_on_its_side_only(paint):
    plain, film, ((x0, y0, x1, y1),) = paint(Swelling(8.0, 40.0, 6.0, 1))
    new = (film.soft > 5) & (plain.soft < 1)
    rows, columns = np.nonzero(new)
    assert len(rows) > 300
    assert (columns > x0).all()
    assert columns.max() <= x1 + 2
    assert np.mean((rows >= y0) & (rows <= y1)) > 0.97


def test_the_skin_returns_after_a_film(wrist):
    body = wrist()
    before = body.skin_left.copy()
    Swelling(8.0, 40.0, 6.0, -1).shape(body)
    assert (body.skin_left <= before).all()
    assert body.skin_left[0] == before[0]


def test_darkening_takes_soft_tissue_away_along_a_line(film_of, wrist):
    film = film_of(wrist(view="lateral"))
    before = film.soft.copy()
    darken(film, fat_stripe(film.skeleton, 7, 26, 1.6, 0.0), 1.2, 0.3)
    assert 0.65 < (film.soft[before > 5] / before[before > 5]).min() < 0.9
