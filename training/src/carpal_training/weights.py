"""Weights to start from: a checkpoint of a run, a file of ultralytics, or the ONNX file of a published package.

A package holds a network whose batch normalisations are folded into its convolutions. To train it further they are
unfolded: each convolution takes the folded weight, and its normalisation is measured anew on some training images
(mean m and variance v of the convolution's output y) and set to scale sqrt(v + eps) and shift b + m. In evaluation mode
(y - m) / sqrt(v + eps) * sqrt(v + eps) + b + m = y + b, which is the package's output. In training mode, with the
statistics of a batch, it is nearly that, so that training goes on from where the package is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import numpy_helper
from torch import nn

from carpal_training.checkpoint import check_classes, is_checkpoint, load_checkpoint
from carpal_training.errors import WeightsInvalidError
from carpal_training.pretrained import read_pretrained, take_over

PREFIX = "network."  # of the names in an exported file; carpal_training.export.network wraps the network once


def load_weights(network: nn.Module, source: Path, classes: list[str], images: torch.Tensor) -> None:
    """Fill a network from a checkpoint of a run (its moving average), a .pt of ultralytics, or an exported .onnx file.

    Args:
        network: of the same architecture, on the CPU.
        source: the file.
        classes: of the dataset.
        images: float32 [n, 1, H, W] in 0..1, training images to measure normalisations on; used for .onnx only.

    Raises:
        ClassesDifferError, WeightsInvalidError, RunMissingError: weights that do not belong to this network.
    """
    if source.suffix == ".onnx":
        unfold(network, read_initializers(source), images, source)
        return
    if not is_checkpoint(source):
        take_over(network, read_pretrained(source), tuple(classes), source)
        return
    checkpoint = load_checkpoint(source)
    check_classes(checkpoint.classes, classes, str(source))
    try:
        network.load_state_dict(checkpoint.average)
    except RuntimeError as failure:
        raise _other_layers(source, f"it holds a {checkpoint.architecture}") from failure


def read_initializers(source: Path) -> dict[str, torch.Tensor]:
    """The named weights of an exported file."""
    try:
        graph = onnx.load(source).graph
    except Exception as failure:  # onnx lets protobuf's own errors through, which share no public base
        raise WeightsInvalidError(
            f"{source} is no ONNX file: {failure}", "It may be cut short.", "Fetch the package again."
        ) from failure
    return {
        tensor.name.removeprefix(PREFIX): torch.from_numpy(numpy_helper.to_array(tensor).copy())
        for tensor in graph.initializer
        if tensor.name.startswith(PREFIX)
    }


def unfold(network: nn.Module, folded: dict[str, torch.Tensor], images: torch.Tensor, source: Path) -> None:
    """Put folded weights into an unfolded network, layer by layer in the order in which an image meets them."""
    normalised: dict[nn.Module, tuple[str, nn.BatchNorm2d]] = {}
    for name, module in network.named_modules():
        if isinstance(getattr(module, "bn", None), nn.BatchNorm2d):
            _copy(module.conv.weight, folded, f"{name}.conv.weight", source)
            normalised[module.conv] = (f"{name}.conv.bias", module.bn)
        elif isinstance(module, nn.Conv2d) and module.bias is not None:
            _copy(module.weight, folded, f"{name}.weight", source)
            _copy(module.bias, folded, f"{name}.bias", source)

    def measure(convolution: nn.Module, _: Any, output: torch.Tensor) -> None:
        name, normalisation = normalised[convolution]
        mean, variance = output.mean((0, 2, 3)), output.var((0, 2, 3), unbiased=False)
        normalisation.running_mean.copy_(mean)
        normalisation.running_var.copy_(variance)
        normalisation.weight.copy_(torch.sqrt(variance + normalisation.eps))
        _copy(normalisation.bias, folded, name, source)
        normalisation.bias.add_(mean)

    hooks = [convolution.register_forward_hook(measure) for convolution in normalised]
    trains = network.training
    try:
        with torch.no_grad():
            network.eval()(images)
    finally:
        network.train(trains)
        for hook in hooks:
            hook.remove()


def _copy(target: torch.Tensor, folded: dict[str, torch.Tensor], name: str, source: Path) -> None:
    if name not in folded or folded[name].shape != target.shape:
        found = f"shape {list(folded[name].shape)}" if name in folded else "nothing"
        raise _other_layers(source, f"it has {found} for {name}, which needs shape {list(target.shape)}")
    with torch.no_grad():
        target.copy_(folded[name])


def _other_layers(source: Path, detail: str) -> WeightsInvalidError:
    return WeightsInvalidError(
        f"{source} does not fit: {detail}", "Its layers differ.", "Set architecture to that of the weights."
    )
