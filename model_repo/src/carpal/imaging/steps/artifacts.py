"""fA: what is in the picture and not of the patient: side markers, burned-in letters, metal."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from carpal.imaging.geometry import Affine
from carpal.imaging.histogram import Histogram
from carpal.imaging.steps.step import Cost, Pixels, ProcessingStep, Share

Kind = Literal["marker", "metal"]
Mask = NDArray[np.bool_]
_TOP_PERCENT = 99.99
_AWAY_FROM_PADDING = 0.98
_STRIP = 0.12


@dataclass(frozen=True)
class Artifact:
    """One thing that was masked.

    Attributes:
        kind: marker (bright on dark ground: letters, burned-in text) or metal (bright on tissue).
        x, y, width, height: its upright rectangle in the pixels that the step was given.
        mask: bool [height, width], which of them it covers.
    """

    kind: Kind
    x: int
    y: int
    width: int
    height: int
    mask: Mask


class ArtifactMask(ProcessingStep):
    """fA: fill bright things that stand out from their surroundings with the level of those surroundings.

    A thing is a connected region of levels near the highest of the image, neither a speck nor too large, whose
    surroundings are much darker. Dense bone and hot collimation edges are as bright, but fade out slowly. It is a rule
    of thumb and off by default: a model that reports side letters or metal needs to see them.
    """

    cost: ClassVar[Cost] = "medium"
    name: Literal["artifact-mask"] = "artifact-mask"
    kinds: Annotated[tuple[Kind, ...], Field(min_length=1)] = Field(default=("marker",), description="what to mask")
    brightness: Share = Field(default=0.75, description="lowest level, share of the image's own highest")
    contrast: Share = Field(default=0.7, description="highest level of the surroundings, share of the thing's own")
    dark: Share = Field(default=0.5, description="surroundings up to this level, as above, make it a marker")
    least_share: Share = Field(default=0.0002, description="smallest thing, share of the image")
    most_share: Share = Field(default=0.05, description="largest thing, share of the image")
    grow_px: Annotated[int, Field(ge=1, le=50)] = Field(default=3, description="blurred edge that is masked with it")

    def apply(self, pixels: Pixels) -> tuple[Pixels, Affine]:
        """Same dtype and shape; the pixels given are not changed."""
        found = self.find(pixels)
        if not found:
            return pixels, Affine()
        filled = pixels.copy()
        for thing in found:
            window, inside = self._around(thing, pixels.shape)
            covered = _dilate(inside, self.grow_px)
            ring = _dilate(covered, 2 * self.grow_px) & ~covered
            filled[window][covered] = np.median(pixels[window][ring]) if ring.any() else 0
        return filled, Affine()

    def finds(self, pixels: Pixels) -> tuple[str, ...]:
        """Kind, size and place of each thing that is masked."""
        found = self.find(pixels)
        masked = (f"masked {each.kind} {each.width} x {each.height} px at ({each.x}, {each.y})" for each in found)
        return tuple(masked) or ("masked nothing",)

    def find(self, pixels: Pixels) -> tuple[Artifact, ...]:
        """What would be masked, from the top of the image down."""
        exposed = Histogram.of(pixels).without_zero()
        if exposed.total == 0:
            return ()
        (top,) = exposed.levels_at(_TOP_PERCENT / 100.0 * exposed.total)
        bright = (pixels >= math.ceil(self.brightness * top)).view(np.uint8)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(bright, connectivity=8)
        areas = stats[:, cv2.CC_STAT_AREA]
        likely = (areas >= max(2.0, self.least_share * pixels.size)) & (areas <= self.most_share * pixels.size)
        found = []
        for index in np.flatnonzero(likely[1:]) + 1:
            x, y, width, height = (int(value) for value in stats[index, : cv2.CC_STAT_AREA])
            mask = labels[y : y + height, x : x + width] == index
            if kind := self._kind(pixels, Artifact("marker", x, y, width, height, mask)):
                found.append(Artifact(kind, x, y, width, height, mask))
        return tuple(thing for thing in found if thing.kind in self.kinds)

    def _kind(self, pixels: Pixels, thing: Artifact) -> Kind | None:
        """By the level of what surrounds it; exact zeros are padding and say nothing of the ground."""
        window, inside = self._around(thing, pixels.shape)
        near = _dilate(inside, self.grow_px)
        ring = pixels[window][_dilate(near, 2 * self.grow_px) & ~near]
        ground = ring[ring > 0]
        if not ground.size:
            return None
        level = float(np.median(ground)) / float(pixels[window][inside].mean())
        at_edge = ground.size < _AWAY_FROM_PADDING * ring.size or _touches_frame(thing, pixels.shape)
        # Along padding and frame runs the hot edge that collimation leaves: a strip, bright on tissue too.
        if level <= self.dark:
            return None if at_edge and thing.mask.sum() < _STRIP * max(thing.width, thing.height) ** 2 else "marker"
        return "metal" if level <= self.contrast and not at_edge else None

    def _around(self, thing: Artifact, shape: tuple[int, ...]) -> tuple[tuple[slice, slice], Mask]:
        """The part of the image that holds the thing and its ring, and the thing's mask in it."""
        reach = 3 * self.grow_px + 1
        top, left = max(0, thing.y - reach), max(0, thing.x - reach)
        bottom, right = min(shape[0], thing.y + thing.height + reach), min(shape[1], thing.x + thing.width + reach)
        inside = np.zeros((bottom - top, right - left), bool)
        y, x = thing.y - top, thing.x - left
        inside[y : y + thing.height, x : x + thing.width] = thing.mask
        return (slice(top, bottom), slice(left, right)), inside


def _touches_frame(thing: Artifact, shape: tuple[int, ...]) -> bool:
    right, bottom = thing.x + thing.width, thing.y + thing.height
    return thing.x == 0 or thing.y == 0 or right == shape[1] or bottom == shape[0]


def _dilate(mask: Mask, by_px: int) -> Mask:
    """The mask and all within so many pixels of it, diagonals included."""
    kernel = np.ones((2 * by_px + 1, 2 * by_px + 1), np.uint8)
    return cv2.dilate(mask.view(np.uint8), kernel).astype(bool)
