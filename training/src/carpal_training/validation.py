"""Accuracy during training: each rank looks at its share of the images, all ranks know the result."""

from __future__ import annotations

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


def validate(network: nn.Module, cache: Cache, classes: int, group: Group, device: torch.device) -> tuple[float, float]:
    """mAP50 and mAP50-95 in network pixels, with the network in evaluation mode and float32."""
    mine = list(range(len(cache)))[group.rank :: group.size]
    found: list[Detections] = []
    for begin in range(0, len(mine), BATCH):
        images = np.stack([cache.images[index] for index in mine[begin : begin + BATCH]])[:, None]
        tensor = (torch.from_numpy(images).to(device).float() / 255.0).contiguous(memory_format=torch.channels_last)
        with torch.inference_mode():
            heads = network(tensor)[0].float().cpu().numpy()
        found += [decode(head, NmsDefaults(), floor=FLOOR) for head in heads]
    everyone = dict(pair for pairs in group.gather(list(zip(mine, found, strict=True))) for pair in pairs)
    truths = []
    for index in range(len(cache)):
        names, boxes = cache.truth(index)
        truths.append(Truth(boxes.astype(np.float64), names))
    return mean_average_precision(rank([everyone[index] for index in range(len(cache))], truths, classes))
