import shutil
from pathlib import Path

import numpy as np
import pytest

from carpal.imaging.readers import read
from carpal_training.data.cache import build_cache, check_space, open_cache
from carpal_training.data.opening import open_dataset
from carpal_training.errors import DiskFullError
from carpal_training.recipe import Recipe

CHAIN = Recipe(epochs=1, size_px=64).chain


def test_cached_pixels_are_those_of_the_chain_that_serves(data: Path, tmp_path: Path) -> None:
    dataset = open_dataset(data)
    cache = open_cache(build_cache(dataset, dataset.samples, CHAIN, tmp_path / "cache"))
    assert len(cache) == 8
    for index, sample in enumerate(dataset.samples):
        np.testing.assert_array_equal(cache.images[index], CHAIN.apply(read(sample.image).pixels).image[0])


def test_cached_boxes_are_in_network_pixels(data: Path, tmp_path: Path) -> None:
    dataset = open_dataset(data)
    cache = open_cache(build_cache(dataset, dataset.samples, CHAIN, tmp_path / "cache"))
    classes, boxes = cache.truth(3)
    assert classes.tolist() == [1]
    # 60 x 80 px fit into 64 x 64 at 0.8, with 8 px of padding left and right
    np.testing.assert_allclose(boxes, [[16, 16, 32, 40]], atol=1e-3)
    inside = cache.images[3][16:40, 16:32]
    assert inside.mean() > 3 * cache.images[3][:, 8:56].mean() / 2


def test_a_cache_is_built_once_for_the_same_images_and_chain(data: Path, tmp_path: Path) -> None:
    dataset = open_dataset(data)
    first = build_cache(dataset, dataset.samples, CHAIN, tmp_path / "cache")
    made = (first / "images.npy").stat().st_mtime_ns
    assert build_cache(open_dataset(data), dataset.samples, CHAIN, tmp_path / "cache") == first
    assert (first / "images.npy").stat().st_mtime_ns == made
    assert build_cache(dataset, dataset.samples[:4], CHAIN, tmp_path / "cache") != first
    assert build_cache(dataset, dataset.samples, Recipe(epochs=1, size_px=96).chain, tmp_path / "cache") != first


def test_a_cache_that_could_not_be_finished_leaves_nothing(data: Path, tmp_path: Path) -> None:
    dataset = open_dataset(data)
    dataset.samples[5].image.write_bytes(b"no image")
    with pytest.raises(Exception, match=r"image\."):
        build_cache(dataset, dataset.samples, CHAIN, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_too_little_room_is_said_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(DiskFullError, match="are needed"):
        check_space(tmp_path, shutil.disk_usage(tmp_path).total + 1)
