"""Which images an epoch shows, how often, and to whom: a function of seed, epoch and rank alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from carpal_training.data.cache import Cache
from carpal_training.recipe import Augmentation, DatasetPlan

ALPHA, GAMMA = 1.2, 30  # cv2.addWeighted(image, 1.2, anything, 0, 30) of Ju and Cai, Sci Rep 13:20077, 2023
Image = NDArray[np.uint8]
BRIGHTER: Image = np.clip(np.rint(np.arange(256) * ALPHA + GAMMA), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Shown:
    """The training images of an epoch, each as often as the recipe wants it.

    Attributes:
        cache: the prepared images.
        doubled: index ``len(cache) + i`` is image i, brighter.
        repeats: float64 [len(self)], how often each is shown per epoch, on average.
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

    @cached_property
    def _drawn(self) -> dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """For each dataset: its images, and the running sum of how often each is shown, ending at 1."""
        members = np.resize(self.cache.members, len(self))
        groups = {int(member): np.flatnonzero(members == member) for member in np.unique(members)}
        return {
            member: (places, np.cumsum(self.repeats[places]) / self.repeats[places].sum())
            for member, places in groups.items()
        }

    def partners(self, index: int, count: int, random: np.random.Generator) -> list[int]:
        """Other images for a mosaic, of the same dataset, because a batch row has one set of labelled classes.

        Each is drawn as often as the epoch shows it.
        """
        places, sums = self._drawn[int(self.cache.members[index % len(self.cache)])]
        drawn = np.searchsorted(sums, random.random(count), side="right")
        return [int(place) for place in places[np.minimum(drawn, len(places) - 1)]]

    def labelled(self, index: int) -> NDArray[np.bool_]:
        """Bool [classes]: the classes that the labels of an image cover."""
        covered: NDArray[np.bool_] = self.cache.labelled[index % len(self.cache)]
        return covered

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


def shown(cache: Cache, plan: Augmentation, datasets: Mapping[str, DatasetPlan] = MappingProxyType({})) -> Shown:
    """What the recipe shows of a cache.

    Args:
        cache: the prepared images.
        plan: the augmentation.
        datasets: settings of each dataset by name.
    """
    repeats = repeat_factors(cache, plan.balance) * dataset_factors(cache, datasets)
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


def dataset_factors(cache: Cache, datasets: Mapping[str, DatasetPlan]) -> NDArray[np.float64]:
    """Float64 [images]: how often the settings of its dataset show each image per epoch, on average."""
    factors = np.ones(len(cache))
    empty = np.diff(cache.starts) == 0
    for number, name in enumerate(cache.names):
        plan = datasets.get(name)
        if plan is None:
            continue
        own = cache.members == number
        factors[own] = plan.repeat
        negatives, positives = int((own & empty).sum()), int((own & ~empty).sum())
        if plan.negatives is not None and negatives:
            factors[own & empty] *= min(1.0, plan.negatives * positives / negatives)
    return factors


def rare_findings(cache: Cache, share: float) -> NDArray[np.int64]:
    """int64 [k]: places in the cache's boxes of classes that a smaller share of the images has."""
    owners = np.repeat(np.arange(len(cache)), np.diff(cache.starts))
    known = np.unique(cache.classes)
    rare = [index for index in known if len(np.unique(owners[cache.classes == index])) < share * len(cache)]
    return np.flatnonzero(np.isin(cache.classes, rare))
