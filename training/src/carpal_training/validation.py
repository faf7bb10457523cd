"""Accuracy during training: each rank looks at its share of the images, all ranks know the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from carpal.detection.postprocess import Detections, decode
from carpal.packages.manifest import NmsDefaults
from carpal_training.data.cache import Cache
from carpal_training.evaluation.metrics import Truth, mean_average_precision, rank
from carpal_training.group import Group

BATCH = 16
FLOOR = 0.001  # probability below which a box cannot change the area under a curve noticeably


@dataclass(frozen=True)
class Validated:
    """Accuracy on the validation images.

    Attributes:
        map50, map50_95: mean over the datasets, so that a large dataset does not outweigh a small one.
        by_dataset: (mAP50, mAP50-95) of each dataset, over the classes that it labels; datasets without an image are
            missing.
    """

    map50: float
    map50_95: float
    by_dataset: Mapping[str, tuple[float, float]]

    @property
    def map50_by_dataset(self) -> dict[str, float]:
        """MAP50 of each dataset."""
        return {name: figures[0] for name, figures in self.by_dataset.items()}


def validate(network: nn.Module, cache: Cache, classes: int, group: Group, device: torch.device) -> Validated:
    """Accuracy in network pixels, with the network in evaluation mode and float32."""
    mine = list(range(len(cache)))[group.rank :: group.size]
    found: list[Detections] = []
    for begin in range(0, len(mine), BATCH):
        images = np.stack([cache.images[index] for index in mine[begin : begin + BATCH]])[:, None]
        tensor = (torch.from_numpy(images).to(device).float() / 255.0).contiguous(memory_format=torch.channels_last)
        with torch.inference_mode():
            heads = network(tensor)[0].float().cpu().numpy()
        found += [decode(head, NmsDefaults(), floor=FLOOR) for head in heads]
    everyone = dict(pair for pairs in group.gather(list(zip(mine, found, strict=True))) for pair in pairs)
    by_dataset = {
        name: _measure(cache, everyone, np.flatnonzero(cache.members == number).tolist(), classes)
        for number, name in enumerate(cache.names)
        if (cache.members == number).any()
    }
    means = np.mean(list(by_dataset.values()), axis=0) if by_dataset else np.zeros(2)
    return Validated(float(means[0]), float(means[1]), by_dataset)


def _measure(cache: Cache, found: Mapping[int, Detections], indices: list[int], classes: int) -> tuple[float, float]:
    """MAP50 and mAP50-95 of some images; an instance of a class exists only where the class is labelled."""
    truths = []
    for index in indices:
        names, boxes = cache.truth(index)
        truths.append(Truth(boxes.astype(np.float64), names))
    return mean_average_precision(rank([found[index] for index in indices], truths, classes))
