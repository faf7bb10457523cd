"""Findings of soft tissue: the pronator sign and a local swelling."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from carpal.phantoms.anatomy import Skeleton
from carpal.phantoms.attenuation import Film
from carpal.phantoms.canvas import Mark, Points, smooth


def fat_stripe(body: Skeleton, start_mm: float, length_mm: float, near_mm: float, bow_mm: float) -> Points:
    """Return the fat line over the pronator quadratus on the palm side of the radius (lateral view), bowed or flat."""
    bone, g = body.shafts["radius"], body.size
    y = float(bone.along[0]) + np.linspace(start_mm, start_mm + length_mm, 30) * g
    x = np.interp(y, bone.along, bone.right) + (near_mm + bow_mm * np.sin(np.linspace(0, np.pi, 30))) * g
    return bone.place(np.column_stack([x, y]))


def darken(film: Film, line: Points, width_mm: float, strength: float) -> None:
    """Take soft tissue away along a line: fat absorbs less than muscle."""
    patch = film.canvas.stroke(line, width_mm)
    if patch is not None:
        film.soft[patch.where] *= 1 - strength * smooth(patch.cover, 0.5 * film.canvas.px_per_mm * film.skeleton.size)


@dataclass(frozen=True)
class PronatorSign:
    """The fat stripe pushed towards the palm by a bleed: seen in the lateral view only."""

    start_mm: float
    length_mm: float
    bow_mm: float
    kind: str = "pronatorsign"

    def shape(self, body: Skeleton) -> None:
        """Leave the bones as they are."""

    def paint(self, film: Film) -> list[Mark]:
        """Draw the bowed dark stripe and the fuller muscle under it."""
        body = film.skeleton
        line = fat_stripe(body, self.start_mm, self.length_mm, 1.6, self.bow_mm)
        flat = fat_stripe(body, self.start_mm, self.length_mm, 0.6, 0.0)
        belly = film.canvas.fill(np.vstack([line, flat[::-1]]))
        if belly is not None:
            film.soft[belly.where] *= 1 + 0.07 * smooth(belly.cover, 1.5)
        darken(film, line, 1.7 * body.size, 0.38)
        return [film.canvas.mark([line, flat], 0.8 * body.size)]


@dataclass(frozen=True)
class Swelling:
    """A local bulge of the skin with haze under it."""

    height_mm: float
    length_mm: float
    bulge_mm: float
    side: Literal[-1, 1]
    kind: str = "softtissue"

    def _profile(self, body: Skeleton) -> Points:
        x = (body.skin_y / body.size - self.height_mm) / (self.length_mm / 2)
        return np.asarray(np.where(np.abs(x) < 1, np.cos(np.clip(x, -1, 1) * np.pi / 2) ** 1.3, 0.0))

    def shape(self, body: Skeleton) -> None:
        """Bulge the skin's border."""
        bump = self.bulge_mm * body.size * self._profile(body)
        if self.side < 0:
            body.skin_left = body.skin_left - bump
        else:
            body.skin_right = body.skin_right + bump

    def paint(self, film: Film) -> list[Mark]:
        """Draw the haze, from the new border inwards."""
        body, g = film.skeleton, film.skeleton.size
        inside = self._profile(body) > 0.12
        border = (body.skin_left if self.side < 0 else body.skin_right)[inside]
        y = body.skin_y[inside]
        depth = (4.5 + 1.4 * self.bulge_mm) * g * np.sqrt(self._profile(body)[inside])
        region = np.vstack([
            np.column_stack([border, y]), np.column_stack([border - self.side * depth, y])[::-1],
        ])  # fmt: skip
        patch = film.canvas.fill(region, pad_mm=4.0)
        if patch is not None:
            haze = smooth(patch.cover, 0.9 * g * film.canvas.px_per_mm)
            film.soft[patch.where] += haze * 5.0 * g * (film.soft[patch.where] > 1)
        return [film.canvas.mark([region], 0.3 * g)]
