"""A tiny dataset in the layout of GRAZPEDWRI-DX: two classes, two images a patient, a bright box in each image."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from carpal_training import yolo
from carpal_training.export.network import export_network

WIDTH, HEIGHT = 60, 80
META = "nc: 2\nnames: [fracture, text]\n"


def stem_of(index: int) -> str:
    """Image ``index``; patients have two images each."""
    return f"{index // 2 + 1:04d}_{index:010d}_01_WRI-L{index % 2 + 1}_M009"


@pytest.fixture(scope="session")
def write_dataset() -> Callable[..., Path]:
    """``write_dataset(root, count=8)``: image i has one box of class i % 2, 20 px wide and 30 px high at (10, 20).

    ``first`` is the number of the first image, so that two datasets have different images.
    """

    def write(root: Path, count: int = 8, first: int = 0) -> Path:
        labels = root / "folder_structure/yolov5/labels"
        labels.mkdir(parents=True)
        (root / "folder_structure/yolov5/meta.yaml").write_text(META)
        rows = ["filestem,patient_id,projection"]
        for index in range(first, first + count):
            folder = root / f"images_part{index % 4 + 1}"
            folder.mkdir(exist_ok=True)
            # Coarse grain, so that no two images look alike: a leak between the parts of a split is refused.
            grain = np.random.default_rng(index).integers(1000, 20000, (HEIGHT // 5, WIDTH // 5))
            pixels = np.kron(grain, np.ones((5, 5), int))
            pixels[20:50, 10:30] = 60000
            cv2.imwrite(str(folder / f"{stem_of(index)}.png"), pixels.astype(np.uint16))
            box = f"{20 / WIDTH:.6f} {35 / HEIGHT:.6f} {20 / WIDTH:.6f} {30 / HEIGHT:.6f}"
            (labels / f"{stem_of(index)}.txt").write_text(f"{index % 2} {box}")
            rows.append(f"{stem_of(index)},{index // 2 + 1}.0,1")
        (root / "dataset.csv").write_text("\ufeff" + "\n".join(rows) + "\n", "utf-8")
        return root

    return write


@pytest.fixture
def data(tmp_path: Path, write_dataset: Callable[..., Path]) -> Path:
    """Eight images of four patients."""
    return write_dataset(tmp_path / "data")


@pytest.fixture(scope="session")
def trained() -> nn.Module:
    """A small network with random weights and normalisations that are not the identity, as after training."""
    torch.manual_seed(0)
    network = yolo.build_network("yolov8n", ["fracture", "text"])
    generator = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0.0, 0.2, generator=generator)
            module.running_var.uniform_(0.5, 2.0, generator=generator)
            module.weight.data.uniform_(0.5, 1.5, generator=generator)
            module.bias.data.normal_(0.0, 0.2, generator=generator)
    for branch in network.model[-1].cv3:
        branch[-1].bias.data.fill_(-2.0)  # probabilities near 0.1, so that there is something to find
    return network.eval()


@pytest.fixture(scope="session")
def exported(trained: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That network as ONNX, 64 x 64 pixels."""
    target = tmp_path_factory.mktemp("exported") / "model.onnx"
    export_network(deepcopy(trained), ["fracture", "text"], target, 64)
    return target
