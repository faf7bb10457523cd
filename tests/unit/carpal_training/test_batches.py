import numpy as np
import pytest
import torch

from carpal_training.batches import places, steps_an_epoch, training_batches
from carpal_training.data.cache import Cache
from carpal_training.order import Shown, shown
from carpal_training.recipe import Augmentation, Recipe

STILL = Augmentation(mosaic=0.0, translate=0.0, scale=0.0, flip_left_right=0.0, brightness=0.0)


@pytest.fixture
def ten() -> Shown:
    """Ten images of 32 x 64 pixels, each with its number as grey level and one box."""
    images = np.repeat(np.arange(10, dtype=np.uint8), 32 * 64).reshape(10, 32, 64)
    boxes = np.tile(np.array([[16, 8, 32, 24]], np.float32), (10, 1))
    return shown(Cache.of_one_dataset(images, np.arange(10), boxes, np.arange(11), 10), STILL)


@pytest.mark.parametrize(("count", "batch", "steps"), [(10, 4, 3), (8, 4, 2), (1, 4, 1)])
def test_the_last_batch_is_filled_up(count: int, batch: int, steps: int) -> None:
    assert steps_an_epoch(count, batch) == steps


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_ranks_share_a_batch_and_together_have_all_of_it(size: int) -> None:
    shares = [list(places(4, size, rank)) for rank in range(size)]
    assert sorted(place for share in shares for place in share) == [0, 1, 2, 3]
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_two_ranks_see_what_one_sees(ten: Shown) -> None:
    """Augmentation included: the same place of the same batch looks the same, whoever prepares it."""
    recipe = Recipe(epochs=1, batch=4, workers=2)
    alone = list(training_batches(ten, recipe, 0))
    first, second = (list(training_batches(ten, recipe, 0, rank, 2)) for rank in range(2))
    for whole, left, right in zip(alone, first, second, strict=True):
        torch.testing.assert_close(whole["img"][0::2], left["img"])
        torch.testing.assert_close(whole["img"][1::2], right["img"])


def test_a_batch_carries_images_and_boxes_as_the_loss_wants_them(ten: Shown) -> None:
    recipe = Recipe(epochs=1, batch=4, workers=1, augmentation=STILL)
    (first, *_) = batches = list(training_batches(ten, recipe, 0))
    assert len(batches) == 3
    assert first["img"].shape == (4, 1, 32, 64)
    assert first["img"].dtype == torch.uint8
    torch.testing.assert_close(first["bboxes"], torch.tensor([[24 / 64, 16 / 32, 16 / 64, 16 / 32]]).repeat(4, 1))
    assert first["batch_idx"].tolist() == [0, 1, 2, 3]
    assert first["cls"][:, 0].tolist() == first["img"][:, 0, 0, 0].tolist()


def test_threads_do_not_change_what_comes_out(ten: Shown) -> None:
    one, four = (
        list(training_batches(ten, Recipe(epochs=1, batch=2, workers=1, loader_threads=threads), 0))
        for threads in (1, 4)
    )
    for left, right in zip(one, four, strict=True):
        torch.testing.assert_close(left["img"], right["img"])
