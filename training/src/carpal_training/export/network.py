"""From trained weights to one ONNX file: a uint8 grey image in, the raw head out, scaling inside the graph."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import onnx
import onnxslim
import torch
from torch import nn

from carpal_training import yolo
from carpal_training.checkpoint import Checkpoint, load_checkpoint

OPSET = 18
INPUT, OUTPUT = "images", "head"
Batch = Literal["fixed", "free"]


class Served(nn.Module):  # type: ignore[misc]  # mypy skips torch, so its classes are Any
    """The network as it is served: uint8 [N, 1, H, W] to float32 [N, 4 + classes, anchors]."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Scale as training did, and keep the decoded head alone."""
        head: torch.Tensor = self.network(images.float() / 255.0)[0]
        return head


def restore(checkpoint: Checkpoint) -> nn.Module:
    """The averaged network of a checkpoint, in evaluation mode."""
    network = yolo.build_network(checkpoint.architecture, checkpoint.classes)
    network.load_state_dict(checkpoint.average)
    return network.eval()


def export_checkpoint(source: Path, target: Path, size_px: int, *, batch: Batch = "fixed") -> Checkpoint:
    """Write a checkpoint's averaged network as ONNX.

    Raises:
        RunMissingError, WeightsInvalidError: there is no such checkpoint.
    """
    checkpoint = load_checkpoint(source)
    export_network(restore(checkpoint), checkpoint.classes, target, size_px, batch=batch)
    return checkpoint


def export_network(
    network: nn.Module, classes: Sequence[str], target: Path, size_px: int, *, batch: Batch = "fixed"
) -> None:
    """Fold, trace, simplify, name the classes, check, and put in place. The network is folded in place.

    Args:
        network: in evaluation mode, not folded yet.
        classes: names in the order of the head.
        target: the file.
        size_px: height and width of an image.
        batch: "fixed" for one image a call, which an engine can plan for; "free" for any number.
    """
    served = Served(yolo.fuse(network)).eval()
    image = torch.zeros(1, 1, size_px, size_px, dtype=torch.uint8)
    served(image)  # the head makes its anchors on the first call; traced after it, they are constants
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        raw = Path(folder) / "raw.onnx"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                served,
                (image,),
                str(raw),
                input_names=[INPUT],
                output_names=[OUTPUT],
                opset_version=OPSET,
                dynamic_axes={INPUT: {0: "batch"}, OUTPUT: {0: "batch"}} if batch == "free" else None,
                dynamo=False,
            )
        # Equal tensors stay apart, so that every weight can be found again by its name (carpal_training.weights).
        model = onnxslim.slim(onnx.load(raw), skip_optimizations=["weight_tying"])
        del model.metadata_props[:]
        onnx.helper.set_model_props(model, {"names": str(dict(enumerate(classes))), "stride": "32", "task": "detect"})
        onnx.checker.check_model(model)
        finished = Path(folder) / target.name
        finished.write_bytes(model.SerializeToString())
        finished.replace(target)


def anchors(size_px: int) -> int:
    """Length of the head's last axis: one anchor a cell at strides 8, 16 and 32."""
    return sum((size_px // stride) ** 2 for stride in (8, 16, 32))
