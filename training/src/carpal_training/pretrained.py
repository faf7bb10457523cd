"""Weights in ultralytics' own .pt files, e.g. trained on COCO: read without running code from them, folded to grey.

Such a file is a pickle of a whole network object. Only classes of torch and of ultralytics' networks are made from it;
a file that wants anything else is refused, because unpickling could run whatever it names.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from carpal_training import yolo
from carpal_training.errors import WeightsInvalidError

TRUSTED = ("torch.nn.", "ultralytics.nn.")  # classes of networks from these, and nothing else from anywhere but:
HARMLESS = {"builtins.set", "collections.OrderedDict", "types.SimpleNamespace", "torch.torch_version.TorchVersion"}
FEWEST_SHARE = 0.5  # of the network's numbers that must come from the file; the head alone is less in every size
FIRST = "model.0.conv.weight"


@dataclass(frozen=True)
class Pretrained:
    """What such a file holds: float32 weights by name, and the class names in their order."""

    weights: Mapping[str, torch.Tensor]
    classes: tuple[str, ...]


def read_pretrained(path: Path) -> Pretrained:
    """Read one.

    Raises:
        WeightsInvalidError: it is no such file, or names objects that are not a network's.
    """
    yolo.go_offline()
    try:
        wanted = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except Exception as failure:  # zipfile, pickle and torch each have their own, without a common base
        raise _invalid(path, f"it cannot be read: {failure}") from failure
    foreign = [name for name in wanted if name not in HARMLESS and not name.startswith(TRUSTED)]
    if foreign:
        raise _invalid(path, f"it holds objects that are no part of a network: {', '.join(sorted(foreign))}")
    classes = [_named(name, path) for name in wanted]
    try:
        with torch.serialization.safe_globals(classes):
            loaded = torch.load(path, map_location="cpu", weights_only=True)
        network = loaded.get("ema") or loaded["model"]
        weights = {name: tensor.float() for name, tensor in network.state_dict().items()}
        names = network.names
    except Exception as failure:  # a network of another release lacks attributes or classes in many ways
        raise _invalid(path, f"its network cannot be made: {failure}") from failure
    values = names.values() if isinstance(names, dict) else names
    return Pretrained(weights, tuple(str(name) for name in values))


def fold_to_grey(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The first layer summed over its three colours: a grey image has the same number in each, so outputs are equal."""
    first = weights.get(FIRST)
    if first is None or first.shape[1] == 1:
        return dict(weights)
    return {**weights, FIRST: first.sum(dim=1, keepdim=True)}


def take_over(network: nn.Module, found: Pretrained, classes: tuple[str, ...], path: Path) -> int:
    """Copy all that fits; what depends on the classes stays as it is unless they are the same.

    Returns:
        How many tensors were copied.

    Raises:
        WeightsInvalidError: too little fits: the file is of another architecture.
    """
    mine = network.state_dict()
    theirs = {name: tensor for name, tensor in fold_to_grey(found.weights).items() if name in mine}
    if found.classes != classes:
        theirs = {name: tensor for name, tensor in theirs.items() if not _decides_classes(name, mine)}
    fits = {name: tensor for name, tensor in theirs.items() if tensor.shape == mine[name].shape}
    share = sum(tensor.numel() for tensor in fits.values()) / sum(tensor.numel() for tensor in mine.values())
    if share < FEWEST_SHARE:
        raise _invalid(path, f"only {100 * share:.0f} % of the network's weights are in it")
    network.load_state_dict({**mine, **fits})
    return len(fits)


def _decides_classes(name: str, mine: Mapping[str, Any]) -> bool:
    """Whether a tensor is of the last convolution of the head's class branches."""
    last = max(int(key.split(".")[1]) for key in mine)
    parts = name.split(".")
    return parts[:3] == ["model", str(last), "cv3"] and parts[4:5] == ["2"]


def _named(name: str, path: Path) -> Any:
    """The class of that name; a function could be called by the file with whatever it likes."""
    module, _, attribute = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as failure:
        raise _invalid(path, f"it needs {name}, which this ultralytics does not have") from failure
    if name not in HARMLESS and not (isinstance(found, type) and issubclass(found, nn.Module)):
        raise _invalid(path, f"it names {name}, which is no part of a network")
    return found


def _invalid(path: Path, detail: str) -> WeightsInvalidError:
    return WeightsInvalidError(
        f"{path} is no file of weights that can be started from: {detail}",
        "A .pt file is a checkpoint of a run, or a detector saved by ultralytics.",
        "Set architecture to that of the weights, or start from scratch.",
    )
