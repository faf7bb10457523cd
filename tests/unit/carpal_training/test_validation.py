from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from carpal_training.data.cache import Cache
from carpal_training.group import Group
from carpal_training.validation import validate


class Oracle(nn.Module):
    """Answers image k (all pixels k / 255) with box k of a table, class 0, probability 0.9; one anchor."""

    def __init__(self, boxes: np.ndarray) -> None:
        super().__init__()
        centre, side = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
        self.table = torch.from_numpy(np.concatenate([centre, side], axis=1)).float()

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, None]:
        rows = self.table[(images[:, 0, 0, 0] * 255).round().long()]
        return torch.cat([rows, torch.full((len(rows), 1), 0.9), torch.zeros(len(rows), 1)], dim=1)[..., None], None


@pytest.fixture
def cache() -> Cache:
    images = np.repeat(np.arange(20, dtype=np.uint8), 32 * 32).reshape(20, 32, 32)
    boxes = np.random.default_rng(0).uniform(0, 12, (20, 4)).astype(np.float32)
    boxes[:, 2:] += 18
    return Cache.of_one_dataset(images, np.zeros(20, np.int64), boxes, np.arange(21), 2)


def test_a_network_that_knows_every_box_has_a_precision_of_one(cache: Cache) -> None:
    validated = validate(Oracle(cache.boxes), cache, 2, Group(), torch.device("cpu"))
    assert (validated.map50, validated.map50_95) == pytest.approx((1.0, 1.0))


def test_boxes_given_to_the_wrong_image_are_misses(cache: Cache) -> None:
    far = np.roll(cache.boxes, 1, axis=0) + 40
    validated = validate(Oracle(far), cache, 2, Group(), torch.device("cpu"))
    assert (validated.map50, validated.map50_95) == (0.0, 0.0)


def test_validate_averages_over_datasets_not_over_images(cache: Cache) -> None:
    members = np.repeat([0, 1], [16, 4])
    two = replace(cache, members=members, names=("large", "small"))
    wrong = cache.boxes.copy()
    wrong[16:] += 40  # every box of the small dataset is missed
    validated = validate(Oracle(wrong), two, 2, Group(), torch.device("cpu"))
    assert validated.by_dataset["large"] == pytest.approx((1.0, 1.0))
    assert validated.by_dataset["small"] == (0.0, 0.0)
    assert validated.map50 == pytest.approx(0.5)
