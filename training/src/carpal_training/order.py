"""Which images an epoch shows, how often, and to whom: a function of seed, epoch and rank alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from carpal_training.data.cache import Cache
from carpal_training.recipe import Augmentation

ALPHA, GAMMA = 1.2, 30  # cv2.addWeighted(image, 1.2, anything, 0, 30) of Ju and Cai, Sci Rep 13:20077, 2023
Image = NDArray[np.uint8]
BRIGHTER: Image = np.clip(np.rint(np.arange(256) * ALPHA + GAMMA), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Shown:
    """The training images of an epoch, each as often as the recipe wants it.

    Attributes:
        cache: the prepared images.
        doubled: index ``len(cache) + i`` is image i, brighter.
        repeats: float64 [len(self)], how often each is shown an epoch on the average, 1 at least.
        rare: int64 [k], places in the cache's boxes of the findings that may be copied into other images.
    """

    cache: Cache
    doubled: bool
    repeats: NDArray[np.float64]
    rare: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.repeats)

    @property
    def size_px(self) -> tuple[int, int]:
        """(height, width)."""
        height, width = self.cache.images.shape[1:]
        return height, width

    @property
    def an_epoch(self) -> int:
        """Images in one epoch; the same in each."""
        return int(np.ceil(self.repeats.sum()))

    def image(self, index: int) -> Image:
        """uint8 [H, W]."""
        image = np.asarray(self.cache.images[index % len(self.cache)])
        return image if index < len(self.cache) else BRIGHTER[image]

    def truth(self, index: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Classes and boxes of an image."""
        return self.cache.truth(index % len(self.cache))

    def donor(self, place: int) -> tuple[Image, tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """An image with a rare finding, and that finding alone."""
        row = self.rare[place]
        owner = int(np.searchsorted(self.cache.starts, row, side="right")) - 1
        one = slice(row, row + 1)
        return np.asarray(self.cache.images[owner]), (self.cache.classes[one], self.cache.boxes[one])

    def order(self, random: np.random.Generator) -> NDArray[np.int64]:
        """int64 [an_epoch], shuffled; what is left of a repeat is drawn by its size."""
        whole = np.floor(self.repeats).astype(np.int64)
        drawn = np.repeat(np.arange(len(self)), whole)
        missing = self.an_epoch - len(drawn)
        if missing:
            rest = self.repeats - whole
            extra = random.choice(len(self), missing, replace=bool((rest > 0).sum() < missing), p=rest / rest.sum())
            drawn = np.concatenate([drawn, extra])
        return random.permutation(drawn)


def shown(cache: Cache, plan: Augmentation) -> Shown:
    """What the recipe shows of a cache."""
    repeats = repeat_factors(cache, plan.balance)
    rare = rare_findings(cache, plan.rare) if plan.copy_paste else np.empty(0, np.int64)
    return Shown(cache, plan.doubled, np.tile(repeats, 2) if plan.doubled else repeats, rare)


def repeat_factors(cache: Cache, threshold: float) -> NDArray[np.float64]:
    """How often to show each image: max over its classes of max(1, sqrt(threshold / share of images with the class)).

    Repeat-factor sampling of Gupta, Dollar and Girshick, LVIS, CVPR 2019.
    """
    factors = np.ones(len(cache))
    owners = np.repeat(np.arange(len(cache)), np.diff(cache.starts))
    for index in np.unique(cache.classes):
        images = np.unique(owners[cache.classes == index])
        factor = np.sqrt(threshold * len(cache) / len(images))
        factors[images] = np.maximum(factors[images], factor)
    return factors


def rare_findings(cache: Cache, share: float) -> NDArray[np.int64]:
    """int64 [k]: places in the cache's boxes of classes that a smaller share of the images has."""
    owners = np.repeat(np.arange(len(cache)), np.diff(cache.starts))
    known = np.unique(cache.classes)
    rare = [index for index in known if len(np.unique(owners[cache.classes == index])) < share * len(cache)]
    return np.flatnonzero(np.isin(cache.classes, rare))
