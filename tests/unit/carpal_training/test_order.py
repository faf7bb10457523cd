"""Every image is shown each epoch, some more often, in an order that the seed alone decides."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from carpal_training.data.cache import Cache
from carpal_training.order import dataset_factors, rare_findings, repeat_factors, shown
from carpal_training.recipe import Augmentation, DatasetPlan


@pytest.fixture
def cache() -> Cache:
    """Ten images of one class; the last has a rare one beside it."""
    images = np.random.default_rng(0).integers(0, 256, (10, 8, 8)).astype(np.uint8)
    classes = np.array([0] * 10 + [1])
    return Cache.of_one_dataset(images, classes, np.zeros((11, 4), np.float32), np.array([*range(10), 11]), 10)


def order(cache: Cache, seed: int = 0, **plan: object) -> np.ndarray:
    return shown(cache, Augmentation.model_validate(plan)).order(np.random.default_rng(seed))


def test_without_a_wish_each_image_is_shown_once(cache: Cache):
    assert sorted(order(cache)) == list(range(10))
    assert order(cache).tolist() == order(cache).tolist() != order(cache, seed=1).tolist()


def test_doubled_each_image_comes_a_second_time_as_add_weighted_makes_it(cache: Cache):
    both = shown(cache, Augmentation(doubled=True))
    assert sorted(both.order(np.random.default_rng(0))) == list(range(20))
    for index in range(10):
        image = cache.images[index]
        np.testing.assert_array_equal(both.image(index), image)
        np.testing.assert_array_equal(both.image(index + 10), cv2.addWeighted(image, 1.2, image, 0, 30))
        assert both.truth(index + 10)[0].tolist() == cache.truth(index)[0].tolist()


def test_a_rare_class_is_shown_more_often_by_the_root_of_the_ratio(cache: Cache):
    """In one of ten images, wanted in nine of ten: three times as often."""
    assert repeat_factors(cache, 0.9).tolist() == pytest.approx([1.0] * 9 + [3.0])
    assert np.bincount(order(cache, balance=0.9)).tolist() == [1] * 9 + [3]


def test_part_of_a_repeat_is_drawn_and_every_epoch_is_as_long(cache: Cache):
    images = shown(cache, Augmentation(balance=0.25))
    assert images.repeats[9] == pytest.approx(np.sqrt(2.5))
    counts = [np.bincount(images.order(np.random.default_rng(seed)), minlength=10) for seed in range(50)]
    assert {int(count.sum()) for count in counts} == {images.an_epoch} == {11}
    assert all((count >= 1).all() for count in counts)


def test_findings_of_rare_classes_are_known_with_their_images(cache: Cache):
    assert rare_findings(cache, 0.1).tolist() == []  # one image of ten is not fewer than a tenth
    assert rare_findings(cache, 0.2).tolist() == [10]
    assert shown(cache, Augmentation(rare=0.2)).rare.tolist() == []  # nothing is to be copied
    images = shown(cache, Augmentation(copy_paste=1.0, rare=0.2))
    image, (classes, boxes) = images.donor(0)
    np.testing.assert_array_equal(image, cache.images[9])
    assert classes.tolist() == [1]
    assert boxes.shape == (1, 4)


def two_datasets() -> Cache:
    """Six images of dataset a, three of them without a finding, then four of dataset b with class 1 alone."""
    starts = np.cumsum([0, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1])
    labelled = np.repeat([[True, True], [False, True]], [6, 4], axis=0)
    members = np.repeat([0, 1], [6, 4])
    images, boxes = np.zeros((10, 8, 8), np.uint8), np.zeros((7, 4), np.float32)
    return Cache(images, np.array([0, 0, 0, 1, 1, 1, 1]), boxes, starts, labelled, members, ("a", "b"))


def test_a_dataset_is_shown_as_often_as_its_settings_say() -> None:
    plans = {"a": DatasetPlan(negatives=0.5), "b": DatasetPlan(repeat=2.5)}
    factors = dataset_factors(two_datasets(), plans)
    assert factors[:3].tolist() == [1.0] * 3
    assert factors[3:6].tolist() == pytest.approx([0.5] * 3)  # 1.5 negatives for 3 positives
    assert factors[6:].tolist() == [2.5] * 4
    images = shown(two_datasets(), Augmentation(), plans)
    counts = sum(np.bincount(images.order(np.random.default_rng(seed)), minlength=10) for seed in range(200)) / 200
    assert images.an_epoch == 15  # 3 + 1.5 + 10, rounded up
    np.testing.assert_allclose(counts[:3], 1.0)
    assert counts[3:6].sum() == pytest.approx(1.75, abs=0.4)
    assert counts[6:].sum() == pytest.approx(10.25, abs=0.4)


def test_negatives_are_drawn_anew_each_epoch() -> None:
    images = shown(two_datasets(), Augmentation(), {"a": DatasetPlan(negatives=0.5)})
    drawn = {tuple(sorted(set(images.order(np.random.default_rng(seed))) & {3, 4, 5})) for seed in range(20)}
    assert len(drawn) > 1


def test_more_negatives_than_there_are_shows_each_once() -> None:
    assert dataset_factors(two_datasets(), {"a": DatasetPlan(negatives=50.0)}).tolist() == [1.0] * 10


def test_partners_of_a_mosaic_are_of_the_same_dataset_and_as_frequent_as_shown() -> None:
    images = shown(two_datasets(), Augmentation(), {"a": DatasetPlan(negatives=0.0)})
    random = np.random.default_rng(0)
    assert set(images.partners(0, 200, random)) == {0, 1, 2}
    assert set(images.partners(7, 200, random)) == {6, 7, 8, 9}
