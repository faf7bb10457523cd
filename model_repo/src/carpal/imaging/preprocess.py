"""The declared chain from a radiograph to what the network sees: I_pre = fN(fC(fA(I))).

A chain is data: it lives in the model's manifest, has a digest, and runs the same in training and in serving.
Each step is a small frozen class with a name (``carpal.imaging.steps``); a step that moves pixels says by which affine
map.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from carpal.document import Document
from carpal.imaging.geometry import Affine
from carpal.imaging.steps.artifacts import ArtifactMask
from carpal.imaging.steps.contrast import Clahe, Equalise, Gamma
from carpal.imaging.steps.denoise import Bilateral, Median, NonLocalMeans
from carpal.imaging.steps.field import FieldCrop
from carpal.imaging.steps.letterbox import Letterbox
from carpal.imaging.steps.reduce import Reduce
from carpal.imaging.steps.step import Pixels, ProcessingStep
from carpal.imaging.steps.stretch import PercentileStretch, Scale, ZScore

__all__ = [
    "ArtifactMask",
    "Bilateral",
    "Chain",
    "Clahe",
    "Equalise",
    "FieldCrop",
    "Gamma",
    "Letterbox",
    "Median",
    "NonLocalMeans",
    "PercentileStretch",
    "Prepared",
    "Reduce",
    "Scale",
    "Stage",
    "Step",
    "ZScore",
    "default_chain",
]

Step = Annotated[
    Median
    | Bilateral
    | NonLocalMeans
    | FieldCrop
    | Reduce
    | ArtifactMask
    | PercentileStretch
    | Clahe
    | Gamma
    | Equalise
    | Scale
    | ZScore
    | Letterbox,
    Field(discriminator="name"),
]


COUNTED_ROWS = 160
"""From which the default chain takes its percentiles: docs/explanation/preprocessing.md says how far they are off."""


@dataclass(frozen=True)
class Prepared:
    """What the network gets, and the way back.

    Attributes:
        image: uint8 [1, H, W] in network pixels.
        to_network: affine map from source pixels to network pixels; its inverse takes boxes back.
    """

    image: NDArray[np.uint8]
    to_network: Affine


@dataclass(frozen=True)
class Stage:
    """The image after one step.

    Attributes:
        step: what was run.
        given: the pixels that it was given.
        pixels: what it made of them.
        from_source: affine map from source pixels to these.
    """

    step: ProcessingStep
    given: Pixels
    pixels: Pixels
    from_source: Affine


class Chain(Document):
    """The ordered steps; the last one is a letterbox, which fixes the size that the network gets."""

    steps: Annotated[tuple[Step, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _ends_in_a_letterbox(self) -> Self:
        places = [index for index, step in enumerate(self.steps) if isinstance(step, Letterbox)]
        if places != [len(self.steps) - 1]:
            raise ValueError("exactly one letterbox, as the last step")
        return self

    @model_validator(mode="after")
    def _casts_once(self) -> Self:
        casting = [step.name for step in self.steps if step.casts]
        if len(casting) > 1:
            raise ValueError(f"one step at most may cast to eight bits, here {' and '.join(casting)} do")
        return self

    @property
    def letterbox(self) -> Letterbox:
        """The last step."""
        step = self.steps[-1]
        assert isinstance(step, Letterbox)
        return step

    @property
    def digest(self) -> str:
        """``sha256:`` over the canonical JSON of the chain."""
        return "sha256:" + hashlib.sha256(self.to_json()).hexdigest()

    def stages(self, pixels: Pixels) -> Iterator[Stage]:
        """Run one step after the other on grey pixels uint8 or uint16 [H, W], and show what each makes."""
        from_source = Affine()
        for step in self.steps:
            given = pixels
            pixels, moved = step.apply(given)
            from_source = from_source.then(moved)
            yield Stage(step, given, pixels, from_source)

    def apply(self, pixels: Pixels) -> Prepared:
        """Run every step on grey pixels uint8 or uint16 [H, W]."""
        last = deque(self.stages(pixels), maxlen=1)[0]  # the images between are let go, one after the other
        return Prepared(np.ascontiguousarray(last.pixels[None]), last.from_source)


def default_chain(size_px: int = 640) -> Chain:
    """Down to the network's size, percentile stretch over the exposed field, then a square letterbox on black."""
    side = {"height_px": size_px, "width_px": size_px}
    return Chain(steps=(Reduce(**side), PercentileStretch(rows=COUNTED_ROWS), Letterbox(**side)))
