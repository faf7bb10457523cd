"""Everything that is taken from ultralytics: the network and its loss. No other module imports it.

Its trainer is not used. It expects one GPU a rank and a process group of its own; some ranks do work (final validation,
callbacks) that others do not, so that under Ray a run does not end by itself; and it looks for fonts, weights and
updates on the internet. The loop that replaces it is carpal_training.loop, in which every rank does the same.

The package is imported inside the functions, because it reads RANK, YOLO_OFFLINE and YOLO_CONFIG_DIR on import.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import torch
from torch import nn

from carpal_training.class_loss import LabelledClasses, SmoothedTargets


class Loss(NamedTuple):
    """What one batch costs.

    Attributes:
        mean: the loss a matched anchor, gains applied, to be descended.
        terms: its box, class and distribution terms.
        matched: scalar, the sum of the targets of all anchors, by which the terms were divided if it is 1 at least.
    """

    mean: torch.Tensor
    terms: dict[str, float]
    matched: torch.Tensor


def build_network(
    architecture: str,
    classes: Sequence[str],
    *,
    box_gain: float = 7.5,
    class_gain: float = 0.5,
    dfl_gain: float = 1.5,
    label_smoothing: float = 0.0,
) -> nn.Module:
    """An untrained detector for one grey channel.

    In training mode it maps float32 [N, 1, H, W] in 0..1 to its raw heads, in evaluation mode to a pair. The first of
    the pair is float32 [N, 4 + classes, anchors]: centre x, centre y, width, height in network pixels, probabilities.
    """
    go_offline()
    from ultralytics.nn.tasks import DetectionModel

    network: nn.Module = DetectionModel(f"{architecture}.yaml", ch=1, nc=len(classes), verbose=False)
    network.names = dict(enumerate(classes))
    network.args = SimpleNamespace(box=box_gain, cls=class_gain, dfl=dfl_gain, label_smoothing=label_smoothing)
    head = network.model[-1]
    for name in (
        "one2one_cv2",
        "one2one_cv3",
    ):  # YOLO26's second head, for decoding without suppression: ours suppresses
        if hasattr(head, name):
            delattr(head, name)
    for parameter in head.dfl.parameters():
        parameter.requires_grad_(False)  # a fixed ramp 0..15, by construction; YOLO26 has none
    return network


def loss(network: nn.Module, heads: dict[str, torch.Tensor], batch: dict[str, torch.Tensor]) -> Loss:
    """The training loss of a batch.

    Args:
        network: what ``build_network`` made.
        heads: its output in training mode, in any float type; the loss is computed in float32.
        batch: ``img`` [N, 1, H, W], ``batch_idx`` [m], ``cls`` [m, 1], ``bboxes`` [m, 4] (centre, size; as shares);
            optionally ``labelled`` bool [N, classes]: classes without it contribute no class loss in that image.
    """
    if getattr(network, "criterion", None) is None:  # made here, because only here the network is where it trains
        network.criterion = network.init_criterion()
        network.criterion.assigner = _Remembering(network.criterion.assigner)
        if network.args.label_smoothing:
            network.criterion.bce = SmoothedTargets(network.args.label_smoothing)
        network.criterion.bce = LabelledClasses(network.criterion.bce)
    network.criterion.bce.labelled = batch.get("labelled")
    full = {name: head if isinstance(head, list) else head.float() for name, head in heads.items()}
    total, terms = network.loss(batch, full)
    mean: torch.Tensor = total.sum() / len(batch["img"])  # they multiply by the number of images at the end
    named = {name.removesuffix("_loss"): float(term) for name, term in terms.items()}
    # YOLO26 has no distributions: its third term, of the distances to the edges themselves, stands in their place.
    terms = {"dfl" if name == "l1" else name: term for name, term in named.items()}
    return Loss(mean, terms, network.criterion.assigner.matched)


class _Remembering:
    """An assigner of anchors to boxes that keeps the sum of its last targets."""

    def __init__(self, assigner: nn.Module) -> None:
        self.assigner, self.matched = assigner, torch.zeros(())

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        outcome = self.assigner(*inputs, **options)
        self.matched = outcome[2].detach().sum()
        return outcome


def fuse(network: nn.Module) -> nn.Module:
    """Fold each batch normalisation into its convolution, in place; outputs stay the same but for rounding."""
    fused: nn.Module = network.eval().fuse(verbose=False)
    return fused


def go_offline() -> None:
    """Nothing is looked up, fetched or sent by this process; its settings file lives in a temporary folder."""
    os.environ["YOLO_OFFLINE"] = "true"
    os.environ["YOLO_VERBOSE"] = "false"
    os.environ.setdefault("YOLO_CONFIG_DIR", tempfile.gettempdir())
    os.environ.setdefault("YOLO_AUTOINSTALL", "false")
