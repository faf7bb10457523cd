from copy import deepcopy
from pathlib import Path

import pytest
import torch
from torch import nn

from carpal_training import yolo
from carpal_training.checkpoint import Checkpoint, save_checkpoint
from carpal_training.errors import ClassesDifferError, WeightsInvalidError
from carpal_training.weights import load_weights

CLASSES = ["fracture", "text"]


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(8, 1, 64, 64, generator=torch.Generator().manual_seed(2))


@torch.no_grad()
def head(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    return deepcopy(network).eval()(images)[0]


def test_a_network_loaded_from_an_exported_file_gives_the_same(
    trained: nn.Module, exported: Path, images: torch.Tensor
) -> None:
    network = yolo.build_network("yolov8n", CLASSES)
    load_weights(network, exported, CLASSES, images)
    other = torch.rand(4, 1, 64, 64, generator=torch.Generator().manual_seed(9))
    for batch in (images, other):
        torch.testing.assert_close(head(network, batch), head(trained, batch), atol=2e-3, rtol=1e-4)


def test_unfolded_normalisations_have_the_statistics_of_their_input(exported: Path, images: torch.Tensor) -> None:
    network = yolo.build_network("yolov8n", CLASSES)
    load_weights(network, exported, CLASSES, images)
    with torch.no_grad():
        raw = network.train()(images)
        evaluated = network.eval()(images)[1]
    # with batch statistics of the very images that were measured, training mode gives what evaluation mode gives
    torch.testing.assert_close(raw["scores"], evaluated["scores"], atol=2e-2, rtol=1e-2)


def test_a_checkpoint_gives_its_average(trained: nn.Module, tmp_path: Path, images: torch.Tensor) -> None:
    average = trained.state_dict()
    weights = {name: torch.zeros_like(tensor) for name, tensor in average.items()}
    save_checkpoint(Checkpoint("yolov8n", CLASSES, 1, 1, 0.0, weights, average, {}), tmp_path / "best.pt")
    network = yolo.build_network("yolov8n", CLASSES)
    load_weights(network, tmp_path / "best.pt", CLASSES, images)
    torch.testing.assert_close(head(network, images), head(trained, images))
    with pytest.raises(ClassesDifferError):
        load_weights(network, tmp_path / "best.pt", ["text", "fracture"], images)


def test_weights_of_another_size_are_refused(exported: Path, images: torch.Tensor) -> None:
    with pytest.raises(WeightsInvalidError, match="shape"):
        load_weights(yolo.build_network("yolov8n", ["a", "b", "c"]), exported, ["a", "b", "c"], images)


def test_a_file_that_is_no_onnx_is_refused(tmp_path: Path, images: torch.Tensor, trained: nn.Module) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no onnx")
    with pytest.raises(WeightsInvalidError):
        load_weights(deepcopy(trained), tmp_path / "model.onnx", CLASSES, images)
