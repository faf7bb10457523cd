from pathlib import Path

import numpy as np
import pytest

from carpal_training.augment import vary
from carpal_training.data.cache import Cache
from carpal_training.order import Shown, shown
from carpal_training.recipe import Augmentation

STILL = Augmentation(mosaic=0.0, degrees=0.0, translate=0.0, scale=0.0, flip_left_right=0.0, brightness=0.0)
MOVING = Augmentation(degrees=20.0)


@pytest.fixture
def images() -> Shown:
    """Four black images with one bright block each, which is also their box."""
    grey = np.zeros((4, 64, 64), np.uint8)
    boxes = []
    for index in range(4):
        x, y = 8 + 8 * index, 16
        grey[index, y : y + 20, x : x + 12] = 200
        boxes.append([x, y, x + 12, y + 20])
    return shown(Cache(grey, np.arange(4), np.array(boxes, np.float32), np.arange(5)), STILL)


def brightest(image: np.ndarray, box: np.ndarray) -> tuple[float, float]:
    """Mean grey level inside a box and outside of it."""
    inside = np.zeros(image.shape, bool)
    x0, y0, x1, y1 = np.rint(box).astype(int)
    inside[y0:y1, x0:x1] = True
    return float(image[inside].mean()), float(image[~inside].mean())


def test_nothing_changes_where_nothing_may(images: Shown) -> None:
    image, (classes, boxes) = vary(images, 2, STILL, np.random.default_rng(0), mosaic=False)
    np.testing.assert_array_equal(image, images.image(2))
    np.testing.assert_array_equal(boxes, images.truth(2)[1])
    assert classes.tolist() == [2]


def test_a_mirrored_image_has_mirrored_boxes(images: Shown) -> None:
    mirror = STILL.model_copy(update={"flip_left_right": 1.0})
    image, (_, boxes) = vary(images, 0, mirror, np.random.default_rng(0), mosaic=False)
    np.testing.assert_array_equal(image, images.image(0)[:, ::-1])
    np.testing.assert_allclose(boxes, [[64 - 20, 16, 64 - 8, 36]])


@pytest.mark.parametrize("mosaic", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_boxes_move_with_their_pixels(images: Shown, seed: int, mosaic: bool) -> None:
    upright = MOVING.model_copy(update={"degrees": 0.0, "brightness": 0.0})
    image, (_, boxes) = vary(images, 1, upright, np.random.default_rng(seed), mosaic=mosaic)
    for box in boxes:
        if (box[2:] - box[:2]).min() > 6:  # of a sliver at the edge, interpolation leaves too little to measure
            assert brightest(image, box)[0] > 150


@pytest.mark.parametrize("seed", range(6))
def test_varied_boxes_stay_in_the_frame(images: Shown, seed: int) -> None:
    _, (classes, boxes) = vary(images, 3, MOVING, np.random.default_rng(seed), mosaic=True)
    assert len(classes) == len(boxes)
    assert ((boxes >= 0) & (boxes <= 64)).all()
    assert (boxes[:, 2:] - boxes[:, :2] > 2.0).all()


def test_a_mosaic_shows_several_images(images: Shown) -> None:
    plan = STILL.model_copy(update={"mosaic": 1.0})
    found = [len(vary(images, 0, plan, np.random.default_rng(seed), mosaic=True)[1][0]) for seed in range(20)]
    assert max(found) > 1


def test_the_generator_alone_decides(images: Shown) -> None:
    first, second, other = (vary(images, 0, MOVING, np.random.default_rng(seed), mosaic=True)[0] for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


def test_an_image_without_boxes_stays_without(tmp_path: Path) -> None:
    empty = Cache(
        np.zeros((1, 32, 32), np.uint8), np.zeros(0, np.int64), np.zeros((0, 4), np.float32), np.zeros(2, np.int64)
    )
    _, (classes, boxes) = vary(shown(empty, MOVING), 0, MOVING, np.random.default_rng(0), mosaic=True)
    assert classes.shape == (0,)
    assert boxes.shape == (0, 4)


def test_a_rare_finding_is_copied_into_images_that_do_not_have_it() -> None:
    grey = np.full((4, 64, 64), 100, np.uint8)
    grey[3, 30:40, 30:40] = 200
    cache = Cache(grey, np.array([5]), np.array([[30, 30, 40, 40]], np.float32), np.array([0, 0, 0, 0, 1]))
    plan = STILL.model_copy(update={"copy_paste": 0.5, "rare": 0.5})
    seen = [vary(shown(cache, plan), 0, plan, np.random.default_rng(seed), mosaic=False) for seed in range(40)]
    copied = [(image, truth) for image, truth in seen if len(truth[0])]
    assert 10 < len(copied) < 30
    for image, (classes, boxes) in copied:
        assert classes.tolist() == [5]
        inside, outside = brightest(image, boxes[0])
        assert inside > outside + 30
