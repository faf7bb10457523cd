"""Training images, read and prepared once, in a memory-mapped array that all workers share.

One code path for pixels: the reader and the chain that serve also make what the network is trained on.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from carpal.imaging.geometry import Boxes, clip
from carpal.imaging.preprocess import Chain
from carpal.imaging.readers import read
from carpal_training.data.dataset import Dataset, Sample
from carpal_training.errors import DiskFullError


@dataclass(frozen=True)
class Cache:
    """Prepared images and their boxes.

    Attributes:
        images: uint8 [n, H, W], mapped, not loaded.
        classes: int64 [m]; boxes: float32 [m, 4] in network pixels; both over all images, one after another.
        starts: int64 [n + 1]; image i has the boxes starts[i] to starts[i + 1].
        labelled: bool [n, classes]; whether the labels of an image cover a class.
        members: int64 [n]; number of the dataset that an image is from.
        names: names of the datasets.
    """

    images: NDArray[np.uint8]
    classes: NDArray[np.int64]
    boxes: NDArray[np.float32]
    starts: NDArray[np.int64]
    labelled: NDArray[np.bool_]
    members: NDArray[np.int64]
    names: tuple[str, ...]

    @classmethod
    def of_one_dataset(
        cls,
        images: NDArray[np.uint8],
        classes: NDArray[np.int64],
        boxes: NDArray[np.float32],
        starts: NDArray[np.int64],
        class_count: int,
    ) -> Cache:
        """A cache of one dataset, whose labels cover every class."""
        covered, members = np.ones((len(images), class_count), dtype=bool), np.zeros(len(images), np.int64)
        return cls(images, classes, boxes, starts, covered, members, ("",))

    def __len__(self) -> int:
        return len(self.images)

    def truth(self, index: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Classes and boxes of one image."""
        place = slice(int(self.starts[index]), int(self.starts[index + 1]))
        return self.classes[place], self.boxes[place]


def open_cache(folder: Path) -> Cache:
    """Map a cache that ``build_cache`` made."""
    with np.load(folder / "boxes.npz") as table:
        return Cache(
            np.load(folder / "images.npy", mmap_mode="r"),
            table["classes"],
            table["boxes"],
            table["starts"],
            table["labelled"],
            table["members"],
            tuple(table["names"].tolist()),
        )


def build_cache(
    dataset: Dataset,
    samples: Sequence[Sample],
    chain: Chain,
    parent: Path,
    *,
    advance: Callable[[], object] = lambda: None,
) -> Path:
    """Prepare the samples, unless that was done before, and return the cache's folder.

    The folder is named by a digest of the dataset, the stems and the chain, and appears whole or not at all.

    Raises:
        DiskFullError: less room than the array needs.
        ImageError: an image that cannot be read.
    """
    target = parent / _key(dataset, samples, chain)
    if target.is_dir():
        for _ in samples:
            advance()
        return target
    parent.mkdir(parents=True, exist_ok=True)
    height, width = chain.letterbox.height_px, chain.letterbox.width_px
    check_space(parent, len(samples) * height * width)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        images = np.lib.format.open_memmap(temporary / "images.npy", "w+", np.uint8, (len(samples), height, width))
        boxes = _prepare(samples, chain, images, advance)
        names = [member.name for member in dataset.members] or [dataset.name]
        images.flush()
        np.savez(
            temporary / "boxes.npz",
            classes=np.concatenate([sample.classes for sample in samples]),
            boxes=np.concatenate(boxes).astype(np.float32),
            starts=np.cumsum([0, *(len(sample.classes) for sample in samples)], dtype=np.int64),
            labelled=replace(dataset, samples=tuple(samples)).labelled(),
            members=np.array([names.index(sample.member or dataset.name) for sample in samples], np.int64),
            names=np.array(names),
        )
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def _prepare(
    samples: Sequence[Sample], chain: Chain, images: NDArray[np.uint8], advance: Callable[[], object]
) -> list[Boxes]:
    """Fill the array, and return each image's boxes in network pixels."""
    height, width = images.shape[1:]

    def one(index: int) -> Boxes:
        radiograph = read(samples[index].image)
        prepared = chain.apply(radiograph.pixels)
        images[index] = prepared.image[0]
        advance()
        source = samples[index].boxes_px(radiograph.width, radiograph.height)
        return clip(prepared.to_network.boxes(source), width, height)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(one, range(len(samples))))


def check_space(folder: Path, needed_bytes: int) -> None:
    """Refuse before the work starts rather than fail in the middle.

    Raises:
        DiskFullError: the file system of the folder has less room than this.
    """
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise DiskFullError(
            f"{folder} has {free / 1e6:.0f} MB free, {needed_bytes / 1e6:.0f} MB are needed",
            "Prepared images and checkpoints are written there.",
            "Free some space or choose another --out.",
        )


def _key(dataset: Dataset, samples: Sequence[Sample], chain: Chain) -> str:
    text = json.dumps([dataset.digest, chain.digest, [sample.stem for sample in samples]])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
