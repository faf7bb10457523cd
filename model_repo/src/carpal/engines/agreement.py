"""What every engine compares before it is used: names, input and head of a network against its manifest."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Sequence

import numpy as np

from carpal.engines.engine import EngineInfo, Heads, Images
from carpal.engines.errors import (
    ClassMismatchError,
    InputLayoutMismatchError,
    InputMismatchError,
    OutputLayoutMismatchError,
)
from carpal.packages.manifest import Manifest, Variant

MAX_DYNAMIC_BATCH = 16
EXPORT_AGAIN = "Export the model again with `carpal export`, which writes the network and its manifest together."
Shape = Sequence[int | None]


class Agreement:
    """The sizes that a manifest promises, and the comparisons with what a network has.

    Attributes:
        frame: (1, H, W) of an image.
        head: (4 + classes, anchors) of its answer.
    """

    def __init__(self, manifest: Manifest) -> None:
        box = manifest.preprocessing.letterbox
        self.classes = manifest.classes
        self.frame = (1, box.height_px, box.width_px)
        self.head = (4 + len(manifest.classes), manifest.output.anchors)

    def info(self, name: str, version: str, variant: Variant, batch: int | None) -> EngineInfo:
        """What an engine on the CPU is that holds to this; ``batch`` is what ``check_inputs`` gave."""
        return EngineInfo(
            name=name,
            version=version,
            device="cpu",
            precision=variant.precision,
            input_px=self.frame[1:],
            classes=len(self.classes),
            anchors=self.head[1],
            max_batch=batch or MAX_DYNAMIC_BATCH,
        )

    def in_calls(self, images: Images, most: int, call: Callable[[Images], Sequence[Heads]]) -> Heads:
        """The heads of any number of images, at most so many in one call.

        Raises:
            InputMismatchError: images of another type or shape.
        """
        self.check_images(images)
        heads = [call(images[start : start + most])[0] for start in range(0, len(images), most)]
        return heads[0] if len(heads) == 1 else np.concatenate(heads)

    def check_names(self, text: str) -> None:
        """Compare the names that the exporter wrote into the network.

        Raises:
            ClassMismatchError: others, another order, or none.
        """
        names = parse_names(text)
        if names != self.classes:
            raise ClassMismatchError(
                f"the network says its classes are {list(names) if names else text or 'not named'}",
                f"Its manifest says {list(self.classes)}; in another order every finding would be mislabelled.",
                EXPORT_AGAIN,
            )

    def check_inputs(self, inputs: Sequence[tuple[str, Shape]]) -> int | None:
        """Compare types and shapes of the network's inputs (None: a free dimension).

        Returns:
            The fixed batch size, or None where it is free.

        Raises:
            InputLayoutMismatchError: not one input of uint8 [N, 1, H, W].
        """
        shape = inputs[0][1] if len(inputs) == 1 else []
        fits = len(shape) == 4 and all(
            found is None or found == wanted for found, wanted in zip(shape[1:], self.frame, strict=True)
        )
        if not fits or inputs[0][0] != "uint8":
            found = ", ".join(f"{kind} {['N' if size is None else size for size in sizes]}" for kind, sizes in inputs)
            raise InputLayoutMismatchError(
                f"the network takes {found}",
                f"By its manifest it takes uint8 {['N', *self.frame]}, with the scaling to 0..1 inside the graph.",
                EXPORT_AGAIN,
            )
        return shape[0]

    def check_outputs(self, outputs: Sequence[Heads]) -> None:
        """Compare what the network answered for one image: only then are sizes known that the file leaves open.

        Raises:
            OutputLayoutMismatchError: not one output of float32 [N, 4 + classes, anchors].
        """
        if len(outputs) == 1 and outputs[0].dtype == np.float32 and outputs[0].shape[1:] == self.head:
            return
        found = f"{outputs[0].dtype} {list(outputs[0].shape)}" if len(outputs) == 1 else f"{len(outputs)} outputs"
        raise OutputLayoutMismatchError(
            f"the network gives {found}",
            f"By its manifest it gives one output, float32 {['N', *self.head]} (4 + classes, anchors).",
            EXPORT_AGAIN,
        )

    def check_images(self, images: Images) -> None:
        """Refuse images that the network cannot take.

        Raises:
            InputMismatchError: another type or shape, or none at all.
        """
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != self.frame or not len(images):
            raise InputMismatchError(
                f"the images are {images.dtype} {list(images.shape)}",
                f"The network takes uint8 {['N', *self.frame]} with N of at least 1.",
                "Prepare images with the preprocessing chain of the same package.",
            )


def parse_names(text: str) -> tuple[str, ...] | None:
    """Class names as exporters write them: a Python or JSON dictionary from index to name, or a list; else None."""
    for parse in (json.loads, ast.literal_eval):
        try:
            value = parse(text)
        except (ValueError, SyntaxError):
            continue
        if isinstance(value, list):
            return tuple(str(name) for name in value)
        if isinstance(value, dict) and {str(key) for key in value} == {str(index) for index in range(len(value))}:
            return tuple(str(value[key]) for key in sorted(value, key=int))
    return None


def first_line(failure: Exception) -> str:
    """What a library says went wrong, in one line."""
    return (str(failure).strip() or type(failure).__name__).splitlines()[0]
