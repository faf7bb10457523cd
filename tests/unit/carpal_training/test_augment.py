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
    return shown(Cache.of_one_dataset(grey, np.arange(4), np.array(boxes, np.float32), np.arange(5), 4), STILL)


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
    empty = Cache.of_one_dataset(
        np.zeros((1, 32, 32), np.uint8), np.zeros(0, np.int64), np.zeros((0, 4), np.float32), np.zeros(2, np.int64), 1
    )
    _, (classes, boxes) = vary(shown(empty, MOVING), 0, MOVING, np.random.default_rng(0), mosaic=True)
    assert classes.shape == (0,)
    assert boxes.shape == (0, 4)


def test_a_rare_finding_is_copied_into_images_that_do_not_have_it() -> None:
    grey = np.full((4, 64, 64), 100, np.uint8)
    grey[3, 30:40, 30:40] = 200
    cache = Cache.of_one_dataset(
        grey, np.array([5]), np.array([[30, 30, 40, 40]], np.float32), np.array([0, 0, 0, 0, 1]), 6
    )
    plan = STILL.model_copy(update={"copy_paste": 0.5, "rare": 0.5})
    seen = [vary(shown(cache, plan), 0, plan, np.random.default_rng(seed), mosaic=False) for seed in range(40)]
    copied = [(image, truth) for image, truth in seen if len(truth[0])]
    assert 10 < len(copied) < 30
    for image, (classes, boxes) in copied:
        assert classes.tolist() == [5]
        inside, outside = brightest(image, boxes[0])
        assert inside > outside + 30


WINDOW = STILL.model_copy(update={"window_px": 32, "window_on_finding": 1.0})


def test_a_window_on_a_finding_shows_it_at_full_resolution(images: Shown) -> None:
    for seed in range(20):
        image, (classes, boxes) = vary(images, 1, WINDOW, np.random.default_rng(seed), mosaic=True)
        assert image.shape == (32, 32)
        assert classes.tolist() == [1]
        inside, outside = brightest(image, boxes[0])
        assert inside > 150 > outside  # the box still lies on the bright block
        sides = boxes[0, 2:] - boxes[0, :2]
        assert (sides <= [12.001, 20.001]).all()  # not scaled: at most its own size, less where the window cuts it


def test_windows_lie_inside_the_image_and_not_always_on_the_finding(images: Shown) -> None:
    plan = WINDOW.model_copy(update={"window_on_finding": 0.0})
    seen = [vary(images, 3, plan, np.random.default_rng(seed), mosaic=True)[1][0] for seed in range(60)]
    with_finding = sum(len(classes) > 0 for classes in seen)
    assert 10 < with_finding < 60


def test_the_last_epochs_see_whole_images(images: Shown) -> None:
    image, (_, boxes) = vary(images, 2, WINDOW, np.random.default_rng(0), mosaic=False)
    np.testing.assert_array_equal(image, images.image(2))
    np.testing.assert_array_equal(boxes, images.truth(2)[1])


def test_a_mosaic_of_windows_keeps_boxes_on_their_findings(images: Shown) -> None:
    plan = WINDOW.model_copy(update={"mosaic": 1.0})
    for seed in range(20):
        image, (classes, boxes) = vary(images, 1, plan, np.random.default_rng(seed), mosaic=True)
        assert 1 in classes
        for box in boxes:
            inside, _ = brightest(image, box)
            assert inside > 100


def test_a_vertical_flip_moves_boxes_with_the_pixels(images: Shown) -> None:
    plan = STILL.model_copy(update={"flip_up_down": 1.0})
    image, (_, boxes) = vary(images, 0, plan, np.random.default_rng(0), mosaic=False)
    np.testing.assert_array_equal(image, images.image(0)[::-1])
    inside, outside = brightest(image, boxes[0])
    assert (inside, outside) == (200.0, 0.0)
