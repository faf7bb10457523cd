import numpy as np
import pytest

from carpal.phantoms.anatomy import Skeleton, growth, half_width, plate, rotation, skeleton


def bones(age: float, seed: int = 0) -> Skeleton:
    return skeleton(age, "ap", np.random.default_rng(seed))


def area(points: np.ndarray) -> float:
    x, y = points.T
    return abs(float(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))) / 2


def test_a_hand_grows_and_its_growth_plates_thin():
    ages = np.arange(1, 18)
    assert all(np.diff([growth(a) for a in ages]) >= 0)
    assert all(np.diff([plate(a) for a in ages]) <= 0)


@pytest.mark.parametrize(
    ("age", "appeared"),
    [
        (1.5, {"capitate", "hamate"}),
        (8.0, {"capitate", "hamate", "triquetrum", "lunate", "scaphoid", "trapezium", "trapezoid"}),
        (13.0, {"capitate", "hamate", "triquetrum", "lunate", "scaphoid", "trapezium", "trapezoid", "pisiform"}),
    ],
)
def test_carpal_bones_appear_in_the_order_of_ossification(age: float, appeared: set[str]):
    assert {name for name in bones(age).nuclei if "epiphysis" not in name} == appeared


def test_epiphyses_appear_at_one_and_six_years():
    assert not {"radius epiphysis", "ulna epiphysis"} & bones(0.7).nuclei.keys()
    assert "radius epiphysis" in bones(2).nuclei
    assert "ulna epiphysis" not in bones(5).nuclei
    assert "ulna epiphysis" in bones(7).nuclei


def test_carpal_bones_grow_with_age():
    sizes = [area(bones(age).nuclei["capitate"].outline()) for age in (1.5, 4, 8, 14)]
    assert sizes == sorted(sizes)


def test_a_growth_plate_is_a_gap_between_shaft_and_epiphysis():
    body = bones(8)
    epiphysis, shaft = body.nuclei["radius epiphysis"].outline(), body.shafts["radius"].outline()
    middle = epiphysis[:, 0].mean()
    nearest = epiphysis[np.abs(epiphysis[:, 0] - middle) < 2][:, 1].max()
    border = shaft[np.abs(shaft[:, 0] - middle) < 2][:, 1].min()
    assert 0.5 < border - nearest < 4


def test_the_radius_flares_towards_the_wrist_and_its_cortex_thins():
    radius = bones(12).shafts["radius"]
    width = radius.right - radius.left
    assert width[0] > 1.8 * width[80]
    assert radius.cortex[0] < 0.5 * radius.cortex[80]
    assert half_width(radius, radius.along[:1].astype(np.float32))[0] == pytest.approx(width[0] / 2, rel=1e-5)


def test_bones_lie_within_the_skin():
    body = bones(10)
    radius = body.shafts["radius"].outline()
    right = np.interp(radius[:, 1], body.skin_y, body.skin_right)
    assert (radius[:, 0] < right).all()
    assert len(body.skin()) == 2 * len(body.skin_y)


def test_a_rotation_keeps_lengths():
    assert np.linalg.norm(rotation(33) @ [3, 4]) == pytest.approx(5)
