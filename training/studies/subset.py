"""A fixed subset of FracAtlas: fractured images and as many without a fracture, for studies that must be repeatable."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from carpal.terminal import Terminal
from carpal_training.data.dataset import Dataset, Sample
from carpal_training.data.opening import open_dataset
from carpal_training.data.splits import Split, make_split
from carpal_training.preparation import prepare
from carpal_training.recipe import Recipe


def prepared_subset(
    data: Path, recipe: Recipe, cache: Path, *, positives: int, seed: int
) -> tuple[Path, Path, Dataset]:
    """Caches of the training and validation images, and the dataset.

    Args:
        data: an imported FracAtlas, whose own parts are used.
        recipe: of the preprocessing chain.
        cache: folder of the caches.
        positives: fractured training images to draw; as many without a fracture are drawn too. The validation part
            keeps its fractured images and as many without a fracture.
        seed: of the draw.
    """
    dataset = open_dataset(data)
    split = make_split(dataset, recipe.split)
    random = np.random.default_rng(seed)
    parts = {
        "train": _drawn(split.samples(dataset, "train"), positives, random),
        "val": _drawn(split.samples(dataset, "val"), None, random),
        "test": (),
    }
    chosen = Split({part: tuple(sorted(sample.stem for sample in samples)) for part, samples in parts.items()})
    stems = set(chosen.homes)
    dataset = replace(dataset, samples=tuple(sample for sample in dataset.samples if sample.stem in stems))
    train, val = prepare(dataset, chosen, recipe.chain, cache, Terminal(quiet=True))
    return train, val, dataset


def _drawn(samples: tuple[Sample, ...], count: int | None, random: np.random.Generator) -> tuple[Sample, ...]:
    """As many images with a finding as asked for (None: all), and as many without."""
    with_finding = [sample for sample in samples if len(sample.classes)]
    without = [sample for sample in samples if not len(sample.classes)]
    count = len(with_finding) if count is None else min(count, len(with_finding))
    chosen = [with_finding[place] for place in random.permutation(len(with_finding))[:count]]
    chosen += [without[place] for place in random.permutation(len(without))[:count]]
    return tuple(chosen)
