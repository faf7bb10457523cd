import numpy as np
import pytest

from carpal.phantoms.findings import FORMS, Anomaly, Lesion, Periosteal, blob


def inside(difference: np.ndarray, boxes, slack: int = 2) -> float:
    """The share of a difference that lies in the boxes."""
    mask = np.zeros(difference.shape, bool)
    for x0, y0, x1, y1 in boxes:
        mask[max(0, int(y0) - slack) : int(y1) + slack, max(0, int(x0) - slack) : int(x1) + slack] = True
    return float(difference[mask].sum() / difference.sum())


def change(plain, film) -> np.ndarray:
    return np.abs(film.mineral - plain.mineral)


def test_a_lucent_lesion_takes_mineral_away_in_its_middle(paint):
    plain, film, (box,) = paint(Lesion("radius", 24.0, 0.0, 10.0, dense=False))
    y, x = round((box[1] + box[3]) / 2), round((box[0] + box[2]) / 2)
    assert film.mineral[y - 2 : y + 3, x - 2 : x + 3].mean() < 0.75 * plain.mineral[y - 2 : y + 3, x - 2 : x + 3].mean()


def test_a_dense_lesion_adds_mineral_and_nothing_outside_its_box(paint):
    plain, film, boxes = paint(Lesion("ulna", 24.0, 0.4, 9.0, dense=True))
    assert film.mineral.sum() > plain.mineral.sum()
    assert inside(change(plain, film), boxes) > 0.99


@pytest.mark.parametrize("view", ["ap", "lateral"])
def test_a_periosteal_reaction_lies_in_its_boxes_outside_the_cortex(paint, view):
    finding = Periosteal("radius", 25.0, 16.0, 3.0, side=1, both=True)
    plain, film, boxes = paint(finding, view)
    assert len(boxes) == 2
    assert inside(change(plain, film), boxes) > 0.99


def test_a_periosteal_reaction_keeps_its_outline_for_the_polygon(film_of, wrist):
    film = film_of(wrist())
    (mark,) = Periosteal("ulna", 25.0, 16.0, 3.0, side=-1, both=False).paint(film)
    assert mark.outline is not None
    assert mark.outline[:, 0].min() >= mark.box[0]
    assert mark.outline[:, 1].max() <= mark.box[3]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("view", ["ap", "lateral"])
def test_an_anomaly_changes_the_bone_in_its_box(paint, form, view):
    plain, film, boxes = paint(Anomaly(form, "radius", 11.0, 1, 0.5), view)
    # A tilted epiphysis also uncovers the bones behind its old place.
    assert inside(change(plain, film), boxes, slack=4) > (0.85 if form == "tilted" else 0.99)


def test_without_an_epiphysis_an_anomaly_is_an_outgrowth(paint):
    plain, film, boxes = paint(Anomaly("fragmented", "ulna", 11.0, -1, 0.5), age=4.0)
    assert inside(change(plain, film), boxes) > 0.99


def test_a_blob_is_about_as_large_as_asked():
    points = blob(np.random.default_rng(0), np.array([5.0, 6.0]), 4.0, 8.0, 0.1)
    assert np.ptp(points, axis=0) == pytest.approx([4, 8], rel=0.25)
