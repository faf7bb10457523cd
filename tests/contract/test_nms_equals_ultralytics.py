"""Suppression equals that of ultralytics on the same raw heads, so that training and serving speak of the same boxes.

The oracle is ``non_max_suppression`` of the installed ultralytics with ``multi_label=False`` and ``agnostic=False``,
which is what its predict uses, and with torchvision's kernel, which it takes when torchvision is imported. Where two
candidates have the very same probability it promises no order (it sorts them by an unstable sort), so that rows are
compared in an order of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from carpal.detection.postprocess import decode
from carpal.packages.manifest import NmsDefaults

Oracle = Callable[..., np.ndarray]
SIZE_PX = 640
TOLERANCE_PX = 1e-3


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Oracle:
    """ultralytics' suppression as rows of (x0, y0, x1, y1, probability, class)."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("YOLO_OFFLINE", "1")
        environment.setenv("YOLO_CONFIG_DIR", str(tmp_path_factory.mktemp("ultralytics")))
        import torch

        import_module("torchvision")  # ultralytics uses its kernel where it is imported
        from ultralytics.utils.nms import non_max_suppression

    def run(head: np.ndarray, nms: NmsDefaults) -> np.ndarray:
        (rows,) = non_max_suppression(
            torch.from_numpy(head[None]),
            conf_thres=nms.floor,
            iou_thres=nms.iou,
            max_nms=nms.candidates,
            max_det=nms.max_findings,
            nc=head.shape[0] - 4,
        )
        return rows.numpy().astype(np.float64)

    return run


def random_head(seed: int, classes: int, anchors: int = 8400) -> np.ndarray:
    """Boxes anywhere; probabilities as a trained network gives them: most near 0, a few high."""
    random = np.random.default_rng(seed)
    boxes = np.concatenate([random.uniform(0, SIZE_PX, (2, anchors)), random.uniform(2, 200, (2, anchors))])
    return np.concatenate([boxes, random.beta(0.3, 4, (classes, anchors))]).astype(np.float32)


def structured_head(seed: int, classes: int, things: int = 12, anchors: int = 8400) -> np.ndarray:
    """Clusters of almost the same box around each thing, as neighbouring anchors give them, on a quiet ground."""
    random = np.random.default_rng(seed)
    head = random_head(seed, classes, anchors)
    head[4:] *= 0.02
    for thing in range(things):
        near = random.choice(anchors, 40, replace=False)
        centre, size = random.uniform(100, 540, (2, 1)), random.uniform(20, 150, (2, 1))
        head[:2, near] = centre + random.normal(0, 4, (2, 40))
        head[2:4, near] = size * random.uniform(0.85, 1.15, (2, 40))
        head[4 + thing % classes, near] = random.uniform(0.05, 0.95, 40)
    return head.astype(np.float32)


def in_order(rows: np.ndarray) -> np.ndarray:
    """Strongest first, and by place where two are equally strong."""
    return rows[np.lexsort((rows[:, 0], -rows[:, 4].astype(np.float32)))]


SETTINGS = [
    {"iou": 0.6, "floor": 0.05},
    {"iou": 0.7, "floor": 0.25},
    {"iou": 0.45, "floor": 0.25, "candidates": 300, "max_findings": 20},
    {"iou": 0.1, "floor": 0.5},
    {"iou": 0.9, "floor": 0.1, "candidates": 200},
    {"iou": 0.7, "floor": 0.001, "candidates": 1000},
]


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
@pytest.mark.parametrize("classes", [1, 3, 9])
@pytest.mark.parametrize("make", [random_head, structured_head])
def test_the_same_head_gives_the_same_boxes(
    oracle: Oracle, make: Callable[..., np.ndarray], classes: int, setting: dict[str, Any]
):
    nms = NmsDefaults.model_validate(setting)
    for seed in range(2):
        head = make(seed, classes)
        expected, found = oracle(head, nms), decode(head, nms)
        rows = np.column_stack([found.boxes, found.probabilities, found.classes])
        assert len(rows) == len(expected) > 0
        assert (np.diff(found.probabilities) <= 0).all()
        assert np.abs(in_order(rows) - in_order(expected)).max() < TOLERANCE_PX
        assert np.abs(found.probabilities - expected[:, 4]).max() < 1e-6


def test_a_floor_given_by_the_caller_is_ultralytics_confidence(oracle: Oracle):
    head = structured_head(5, 4)
    nms = NmsDefaults(iou=0.6, floor=0.05)
    expected = oracle(head, nms.model_copy(update={"floor": 0.4}))
    assert np.abs(decode(head, nms, floor=0.4).boxes - expected[:, :4]).max() < TOLERANCE_PX


def test_a_quiet_head_gives_nothing_in_both(oracle: Oracle):
    head = random_head(0, 3) * np.array([1, 1, 1, 1, 0, 0, 0], np.float32)[:, None]
    assert len(oracle(head, NmsDefaults())) == len(decode(head, NmsDefaults())) == 0


def test_the_oracle_wrote_nothing_outside_its_folder(oracle: Oracle):
    assert not Path("runs").exists()
