import numpy as np
import pytest

from carpal.phantoms.fractures import Fracture


def differing(plain, film, least: float) -> np.ndarray:
    return np.abs(film.mineral - plain.mineral) > least


def test_a_torus_fracture_bulges_the_cortex_within_its_box(paint):
    plain, film, ((x0, y0, x1, y1),) = paint(Fracture("radius", "torus", 12.0, 1, 0.9, 0.0, 0.0))
    rows, columns = np.nonzero(differing(plain, film, 1.5))
    assert rows.min() >= y0
    assert rows.max() <= y1
    assert columns.min() >= x0
    assert columns.max() <= x1
    new = (film.mineral > 1) & (plain.mineral < 0.2)
    assert new[int(y0) : int(y1), int(x0) : int(x1)].sum() > 15


def test_a_transverse_fracture_moves_what_is_distal_and_leaves_what_is_proximal(paint):
    plain, film, (box,) = paint(Fracture("radius", "transverse", 14.0, 1, 0.5, 6.0, 2.5))
    moved = differing(plain, film, 1.5)
    assert moved[: int(box[1])].sum() > 500
    assert moved[int(box[3]) + 1 :].sum() == 0


@pytest.mark.parametrize("pattern", ["greenstick", "transverse", "oblique"])
def test_a_fracture_line_is_darker_than_the_bone_beside_it(film_of, wrist, pattern):
    body = wrist()
    fracture = Fracture("radius", pattern, 14.0, 1, 0.8, 0.0, 0.0)
    film = film_of(body)
    before = film.mineral.copy()
    (mark,) = fracture.paint(film)
    loss = before - film.mineral
    x0, y0, x1, y1 = (int(v) for v in mark.box)
    inside = loss[y0 : y1 + 1, x0 : x1 + 1].copy()
    loss[y0 : y1 + 1, x0 : x1 + 1] = 0
    assert inside.max() > 1.2
    assert np.abs(loss).sum() < 0.01 * np.abs(inside).sum()


def test_a_salter_harris_fracture_slips_the_epiphysis(wrist):
    before, after = wrist(), wrist()
    Fracture("radius", "salter", 0.0, 1, 0.5, 0.0, 0.0).shape(after)
    shift = after.nuclei["radius epiphysis"].outline().mean(axis=0) - before.nuclei["radius epiphysis"].outline().mean(
        axis=0
    )
    assert 1.5 < np.hypot(*shift) < 4
    assert np.array_equal(before.shafts["radius"].outline(), after.shafts["radius"].outline())


def test_the_hand_follows_a_displaced_radius_and_not_the_ulna(wrist):
    for bone, follows in (("radius", True), ("ulna", False)):
        before, after = wrist(), wrist()
        Fracture(bone, "transverse", 12.0, 1, 0.5, 8.0, 2.0).shape(after)
        moved = not np.allclose(before.nuclei["capitate"].outline(), after.nuclei["capitate"].outline())
        assert moved is follows
        assert np.allclose(before.shafts["metacarpal3"].outline(), after.shafts["metacarpal3"].outline()) is not follows


def test_an_avulsed_styloid_is_a_chip_beside_the_ulna(paint):
    plain, film, ((x0, y0, x1, y1),) = paint(Fracture("ulna", "styloid", 0.0, 1, 0.5, 0.0, 0.0))
    gain = film.mineral - plain.mineral
    assert gain[int(y0) : int(y1) + 1, int(x0) : int(x1) + 1].sum() == pytest.approx(gain.sum(), rel=0.01)
    assert gain.max() > 3
    assert (x1 - x0) * (y1 - y0) < 0.02 * gain.size
