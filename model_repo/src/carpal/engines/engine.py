"""What an engine is: the part that turns prepared images into a raw detection head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]
Heads = NDArray[np.float32]


@dataclass(frozen=True)
class EngineInfo:
    """What metadata, metrics and every report say of the engine at work.

    Attributes:
        name: "onnxruntime", "openvino", "remote" or "emulated".
        version: of the library that computes; of the other server, where one does.
        device: "cpu", "cuda:0", "remote", or "none" for an engine that does not compute.
        precision: of the variant, e.g. "float32"; "unknown" where another server holds the weights.
        input_px: (height, width) that it takes.
        classes: number of classes in its output.
        anchors: length of the last axis of its output.
        emulated: true where the answer was not computed; every figure must then say so.
        max_batch: the largest N that it takes in one call.
        provider: the part of the library that computes, where it has several.
        unusable: providers that the library offers, that were tried before this one, and do not work here.
    """

    name: str
    version: str
    device: str
    precision: str
    input_px: tuple[int, int]
    classes: int
    anchors: int
    emulated: bool = False
    max_batch: int = 1
    provider: str = ""
    unusable: tuple[str, ...] = ()


@runtime_checkable
class Engine(Protocol):
    """A loaded network, safe to call from several threads at once."""

    def run(self, images: Images) -> Heads:
        """uint8 [N, 1, H, W] to float32 [N, 4 + classes, anchors]: boxes as centre x, centre y, width, height in
        network pixels, then one probability a class.

        Raises:
            EngineError: the network failed on this input.
        """

    def describe(self) -> EngineInfo:
        """What this engine is."""

    def close(self) -> None:
        """Free what it holds; a second call does nothing."""
