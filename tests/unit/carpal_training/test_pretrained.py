"""A network that ultralytics saved with three colours starts one that takes grey, and finds the same in grey images."""

from __future__ import annotations

import os
import pickle
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from carpal_training import yolo
from carpal_training.errors import WeightsInvalidError
from carpal_training.pretrained import fold_to_grey, read_pretrained, take_over
from carpal_training.weights import load_weights

COCO = tuple(f"thing {index}" for index in range(80))
WRIST = ("fracture", "text")
NO_IMAGES = torch.zeros(0)


class Trap:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("caught",)


class Detour:
    """Calls a function of ultralytics that unpickles whatever it is given."""

    def __reduce__(self) -> tuple[Any, ...]:
        yolo.go_offline()
        from ultralytics.nn.tasks import torch_safe_load

        return torch_safe_load, ("trap.pt",)


@pytest.fixture(scope="module")
def coloured() -> nn.Module:
    """A three-channel network with 80 classes, as ultralytics makes it, with statistics of its own."""
    yolo.go_offline()
    from ultralytics.nn.tasks import DetectionModel

    torch.manual_seed(0)
    network = DetectionModel("yolov8n.yaml", ch=3, nc=80, verbose=False)
    network.names = dict(enumerate(COCO))
    for name, weight in network.named_parameters():
        if "dfl" not in name:
            weight.data.add_(0.01 * torch.rand_like(weight))
    network.train()(torch.rand(2, 3, 64, 64))
    return network.eval()


@pytest.fixture
def file(coloured: nn.Module, tmp_path: Path) -> Path:
    """As ultralytics' trainer writes it: the whole object, in half precision."""
    path = tmp_path / "coco.pt"
    torch.save({"epoch": -1, "model": deepcopy(coloured).half(), "ema": None, "train_args": {"lr0": 0.01}}, path)
    return path


def test_a_grey_image_gives_the_same_with_one_channel_as_with_three(coloured: nn.Module) -> None:
    grey = yolo.build_network("yolov8n", COCO)
    grey.load_state_dict(fold_to_grey(coloured.state_dict()))
    images = torch.rand(2, 1, 64, 64)
    with torch.no_grad():
        expected = coloured(images.expand(-1, 3, -1, -1))[0]
        torch.testing.assert_close(grey.eval()(images)[0], expected, rtol=1e-4, atol=1e-3)


def test_a_file_of_ultralytics_gives_its_weights_and_names(coloured: nn.Module, file: Path) -> None:
    found = read_pretrained(file)
    assert found.classes == COCO
    expected = coloured.state_dict()["model.0.conv.weight"]
    torch.testing.assert_close(found.weights["model.0.conv.weight"], expected, rtol=1e-3, atol=1e-3)


def test_the_same_classes_take_the_head_over_too(file: Path) -> None:
    network = yolo.build_network("yolov8n", COCO)
    load_weights(network, file, list(COCO), NO_IMAGES)
    found = fold_to_grey(read_pretrained(file).weights)
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(tensor.float(), found[name].float())


def test_other_classes_take_all_but_what_decides_classes(file: Path) -> None:
    """80 other classes fit by shape, and would be wrong all the same."""
    others = [f"other {index}" for index in range(80)]
    network, untouched = yolo.build_network("yolov8n", others), yolo.build_network("yolov8n", others)
    network.load_state_dict(untouched.state_dict())
    load_weights(network, file, others, NO_IMAGES)
    kept = [
        name
        for name, tensor in network.named_parameters()
        if torch.equal(tensor, dict(untouched.named_parameters())[name]) and tensor.requires_grad
    ]
    assert kept == [f"model.22.cv3.{level}.2.{kind}" for level in range(3) for kind in ("weight", "bias")]


def test_two_classes_start_from_eighty(file: Path) -> None:
    network = yolo.build_network("yolov8n", WRIST)
    copied = take_over(network, read_pretrained(file), WRIST, file)
    assert copied > 250
    load_weights(network, file, list(WRIST), NO_IMAGES)


def test_another_architecture_is_refused(file: Path) -> None:
    with pytest.raises(WeightsInvalidError, match="% of the network's weights are in it") as caught:
        load_weights(yolo.build_network("yolov8s", WRIST), file, list(WRIST), NO_IMAGES)
    assert "architecture" in caught.value.remedy


def test_a_file_that_would_run_something_is_refused_and_does_not_run_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"model": Trap()}, tmp_path / "trap.pt")
    torch.save({"model": Detour()}, tmp_path / "detour.pt")
    with pytest.raises(WeightsInvalidError, match=r"no part of a network: .*mkdir"):
        read_pretrained(tmp_path / "trap.pt")
    with pytest.raises(WeightsInvalidError, match=r"torch_safe_load, which is no part of a network"):
        read_pretrained(tmp_path / "detour.pt")
    assert not (tmp_path / "caught").exists()


@pytest.mark.parametrize("body", [b"", b"not a file of torch", pickle.dumps({"model": 1})])
def test_what_is_no_file_of_weights_is_refused(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "broken.pt").write_bytes(body)
    for read in (read_pretrained, lambda path: load_weights(nn.Identity(), path, ["a"], NO_IMAGES)):
        with pytest.raises(WeightsInvalidError):
            read(tmp_path / "broken.pt")
