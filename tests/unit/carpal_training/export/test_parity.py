import hashlib
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from torch import nn

from carpal.detection.detector import Detector, open_detector
from carpal.packages.manifest import Manifest, OutputLayout, Variant
from carpal.packages.package import write_package
from carpal_training.data.dataset import Sample
from carpal_training.data.opening import open_dataset
from carpal_training.errors import ParityFailedError
from carpal_training.export.network import anchors
from carpal_training.export.parity import check_parity
from carpal_training.recipe import Recipe


@pytest.fixture
def samples(data: Path) -> tuple[Sample, ...]:
    return open_dataset(data).samples[:3]


@pytest.fixture
def detector(exported: Path, tiny_manifest: Manifest, tmp_path: Path) -> Iterator[Detector]:
    """The exported network as it is served."""
    variant = Variant(file="model.onnx", sha256=hashlib.sha256(exported.read_bytes()).hexdigest())
    changes = {
        "output": OutputLayout(anchors=anchors(64)),
        "preprocessing": Recipe(epochs=1, size_px=64).chain,
        "variants": (variant,),
    }
    package = write_package(tmp_path / "package", tiny_manifest.model_copy(update=changes), {"model.onnx": exported})
    with open_detector(package, threads=1) as opened:
        yield opened


def test_the_exported_network_finds_what_the_trained_one_finds(
    trained: nn.Module, detector: Detector, samples: tuple[Sample, ...]
) -> None:
    parity = check_parity(trained, detector, samples)
    assert parity.passed
    assert parity.detections >= len(samples)
    assert parity.images == 3


@pytest.mark.parametrize(("branch", "change"), [("cv2", 4.0), ("cv3", 0.05)])
def test_a_network_that_differs_is_refused_with_figures(
    trained: nn.Module, detector: Detector, samples: tuple[Sample, ...], branch: str, change: float
) -> None:
    other = deepcopy(trained)
    with torch.no_grad():
        for layers in getattr(other.model[-1], branch):
            layers[-1].bias[::16] += change  # of the boxes: the shortest distance of each side; else: the first class
    with pytest.raises(ParityFailedError, match="px"):
        check_parity(other, detector, samples)


def test_classes_that_changed_places_are_noticed(
    trained: nn.Module, detector: Detector, samples: tuple[Sample, ...]
) -> None:
    other = deepcopy(trained)
    with torch.no_grad():
        for layers in other.model[-1].cv3:
            layers[-1].weight.copy_(layers[-1].weight.flip(0))
            layers[-1].bias.copy_(layers[-1].bias.flip(0))
    with pytest.raises(ParityFailedError):
        check_parity(other, detector, samples)


def test_something_is_compared_even_where_nothing_reaches_the_floor(
    trained: nn.Module, detector: Detector, samples: tuple[Sample, ...]
) -> None:
    shy = deepcopy(trained)
    with torch.no_grad():
        for layers in shy.model[-1].cv3:
            layers[-1].bias.fill_(-12.0)
    with pytest.raises(ParityFailedError):
        check_parity(shy, detector, samples)
