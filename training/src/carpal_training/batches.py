"""The batches of one worker: every rank gets the same number, whatever the size of the set."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray

from carpal_training.augment import vary
from carpal_training.order import Shown
from carpal_training.recipe import Recipe

Batch = dict[str, torch.Tensor]


def steps_an_epoch(count: int, batch: int) -> int:
    """Batches that cover the set once; the last one is filled up from the start."""
    return -(-count // batch)


def places(batch: int, size: int, rank: int) -> range:
    """Which places of each batch a rank takes; ranks take as many, give or take one."""
    return range(rank, batch, size)


def training_batches(images: Shown, recipe: Recipe, epoch: int, rank: int = 0, size: int = 1) -> Iterator[Batch]:
    """One epoch of varied images, prepared in threads ahead of their use.

    What an image looks like depends on its place in the batch of all ranks, not on who prepares it: one rank alone
    sees what two see together.

    Args:
        images: to train on.
        recipe: the settings.
        epoch: from 0.
        rank: of this worker.
        size: number of workers.
    """
    mosaic = epoch < recipe.epochs - recipe.augmentation.close_mosaic_epochs
    order = images.order(np.random.default_rng([recipe.seed, epoch]))
    steps = steps_an_epoch(len(order), recipe.batch)
    rows = np.resize(order, steps * recipe.batch).reshape(steps, recipe.batch)

    def prepare(step: int) -> Batch:
        own = places(recipe.batch, size, rank)
        varied = [
            vary(
                images,
                int(rows[step, place]),
                recipe.augmentation,
                np.random.default_rng([recipe.seed, epoch, step, place]),
                mosaic=mosaic,
            )
            for place in own
        ]
        batch = _collate([image for image, _ in varied], [truth for _, truth in varied])
        batch["labelled"] = torch.from_numpy(np.stack([images.labelled(int(rows[step, place])) for place in own]))
        return batch

    with ThreadPoolExecutor(recipe.loader_threads) as pool:
        ahead: deque[Future[Batch]] = deque()
        for step in range(steps):
            ahead.append(pool.submit(prepare, step))
            if len(ahead) > recipe.loader_threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def _collate(images: list[NDArray[np.uint8]], truths: list[tuple[NDArray[np.int64], NDArray[np.float32]]]) -> Batch:
    """Stack images, and put all boxes into one table that says which image each belongs to."""
    height, width = images[0].shape
    owners = np.concatenate([np.full(len(classes), place) for place, (classes, _) in enumerate(truths)])
    boxes = np.concatenate([boxes for _, boxes in truths]).astype(np.float32)
    centres, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    shares = np.concatenate([centres, sides], axis=1) / np.array([width, height, width, height], np.float32)
    return {
        "img": torch.from_numpy(np.stack(images)[:, None]),
        "batch_idx": torch.from_numpy(owners.astype(np.float32)),
        "cls": torch.from_numpy(np.concatenate([classes for classes, _ in truths]).astype(np.float32)[:, None]),
        "bboxes": torch.from_numpy(shares),
    }
