import numpy as np
import pytest
import torch

from carpal_training.batches import shuffled, steps_an_epoch, training_batches
from carpal_training.data.cache import Cache
from carpal_training.recipe import Augmentation, Recipe

STILL = Augmentation(mosaic=0.0, translate=0.0, scale=0.0, flip_left_right=0.0, brightness=0.0)


@pytest.fixture
def cache() -> Cache:
    """Ten images of 32 x 64 pixels, each with its number as grey level and one box."""
    images = np.repeat(np.arange(10, dtype=np.uint8), 32 * 64).reshape(10, 32, 64)
    boxes = np.tile(np.array([[16, 8, 32, 24]], np.float32), (10, 1))
    return Cache(images, np.arange(10), boxes, np.arange(11))


@pytest.mark.parametrize(("count", "batch", "steps"), [(10, 4, 3), (8, 4, 2), (1, 4, 1)])
def test_the_last_batch_is_filled_up(count: int, batch: int, steps: int) -> None:
    assert steps_an_epoch(count, batch) == steps


@pytest.mark.parametrize("count", [1, 7, 10, 16])
def test_all_ranks_get_as_many_batches_and_together_every_image(count: int) -> None:
    recipe = Recipe(epochs=1, batch=4, workers=2)
    shares = [shuffled(count, recipe, 0, rank) for rank in range(2)]
    assert shares[0].shape == shares[1].shape
    assert set(np.concatenate(shares).ravel().tolist()) == set(range(count))


def test_the_order_changes_with_the_epoch_and_not_with_the_call() -> None:
    recipe = Recipe(epochs=2, batch=4, workers=1)
    np.testing.assert_array_equal(shuffled(40, recipe, 0, 0), shuffled(40, recipe, 0, 0))
    assert (shuffled(40, recipe, 0, 0) != shuffled(40, recipe, 1, 0)).any()


def test_a_batch_carries_images_and_boxes_as_the_loss_wants_them(cache: Cache) -> None:
    recipe = Recipe(epochs=1, batch=4, workers=1, augmentation=STILL)
    (first, *_) = batches = list(training_batches(cache, recipe, 0, 0))
    assert len(batches) == 3
    assert first["img"].shape == (4, 1, 32, 64)
    assert first["img"].dtype == torch.uint8
    torch.testing.assert_close(first["bboxes"], torch.tensor([[24 / 64, 16 / 32, 16 / 64, 16 / 32]]).repeat(4, 1))
    assert first["batch_idx"].tolist() == [0, 1, 2, 3]
    assert first["cls"][:, 0].tolist() == first["img"][:, 0, 0, 0].tolist()


def test_threads_do_not_change_what_comes_out(cache: Cache) -> None:
    one, four = (
        list(training_batches(cache, Recipe(epochs=1, batch=2, workers=1, loader_threads=threads), 0, 0))
        for threads in (1, 4)
    )
    for left, right in zip(one, four, strict=True):
        torch.testing.assert_close(left["img"], right["img"])
