"""Things that do not belong to the body: wires, plates and screws, and foreign bodies."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from carpal.phantoms.anatomy import Skeleton, rotation
from carpal.phantoms.attenuation import Film
from carpal.phantoms.canvas import Mark, Points, smooth
from carpal.phantoms.findings import Long, blob


@dataclass(frozen=True)
class Metal:
    """Fixation of a shaft: crossed or parallel K-wires, or a plate with screws. Saturated grey."""

    form: Literal["wires", "plate"]
    bone: Long
    level_mm: float
    count: int
    angle_deg: float
    kind: str = "metal"

    def shape(self, body: Skeleton) -> None:
        """Leave the bone as it is."""

    def paint(self, film: Film) -> list[Mark]:
        """Draw the hardware; one box spans it."""
        return [self._wires(film) if self.form == "wires" else self._plate(film)]

    def _add(self, film: Film, points: Points, width: float | None) -> None:
        patch = film.canvas.fill(points) if width is None else film.canvas.stroke(points, width)
        if patch is not None:
            film.metal[patch.where] = np.maximum(film.metal[patch.where], smooth(patch.cover, 0.5))

    def _wires(self, film: Film) -> Mark:
        bone, g = film.skeleton.shafts[self.bone], film.skeleton.size
        top = float(bone.along[0])
        left, right = bone.at(top)
        parts = []
        for i in range(self.count):
            side = 1 if i % 2 == 0 else -1
            edge = right + 3 * g if side > 0 else left - 3 * g
            entry = np.array([edge, top - (7 - 4 * i + film.rng.uniform(0, 2)) * g])
            lean = self.angle_deg if film.skeleton.view == "ap" else self.angle_deg * 0.6
            length = (34 + 6 * film.rng.uniform()) * g
            tip = entry + rotation(side * lean) @ np.array([0, length])
            hook = entry + np.array([side * 2.5, -1.0]) * g
            wire = bone.place(np.vstack([hook, entry, tip]))
            self._add(film, wire, 1.5 * g)
            parts.append(wire)
        return film.canvas.mark(parts, 0.9 * g)

    def _plate(self, film: Film) -> Mark:
        bone, g = film.skeleton.shafts[self.bone], film.skeleton.size
        start = float(bone.along[0]) + self.level_mm * g
        length = (7 * self.count + 4) * g
        y = np.linspace(start, start + length, 12)
        left = np.interp(y, bone.along, bone.left)
        right = np.interp(y, bone.along, bone.right)
        flat = film.skeleton.view == "ap"
        middle = (left + right) / 2 if flat else right + 0.6 * g
        line = bone.place(np.column_stack([middle, y]))
        self._add(film, line, (5.0 if flat else 1.6) * g)
        parts = [line]
        holes = []
        for k in range(self.count):
            station = start + (5.5 + 7 * k) * g
            lo, hi = bone.at(station)
            if flat:
                centre = bone.place(np.array([[(lo + hi) / 2, station]]))[0]
                holes.append(blob(film.rng, centre, 2.0 * g, 2.0 * g, 0.0))
                head = blob(film.rng, centre, 6.0 * g, 6.0 * g, 0.0)
                self._add(film, head, None)
                parts.append(head)
            else:
                screw = bone.place(np.array([[hi + 2.0 * g, station], [lo + 0.5 * g, station + 0.6 * g]]))
                self._add(film, screw, 1.7 * g)
                parts.append(screw)
        for hole in holes:
            patch = film.canvas.fill(hole)
            if patch is not None:
                film.metal[patch.where] *= 1 - 0.30 * patch.cover
        return film.canvas.mark(parts, (3.0 if flat else 1.2) * g)


@dataclass(frozen=True)
class ForeignBody:
    """A small dense fragment, glass or gravel, in the soft tissue."""

    height_mm: float
    side: Literal[-1, 1]
    depth: float
    size_mm: float
    long: float
    angle_deg: float
    kind: str = "foreignbody"

    def shape(self, body: Skeleton) -> None:
        """Leave the anatomy as it is."""

    def paint(self, film: Film) -> list[Mark]:
        """Draw the fragment between skin and bone."""
        body = film.skeleton
        g, y = body.size, self.height_mm * body.size
        skin = float(np.interp(y, body.skin_y, body.skin_left if self.side < 0 else body.skin_right))
        x = skin - self.side * (3.5 + 3.0 * self.depth) * g
        size = self.size_mm * max(g, 0.65)
        corners = blob(film.rng, np.zeros(2), size, size * self.long, 0.22, corners=7)
        shard = corners @ rotation(self.angle_deg).T + np.array([x, y])
        patch = film.canvas.fill(shard)
        if patch is not None:
            film.mineral[patch.where] += smooth(patch.cover, 0.6) * 14.0
        return [film.canvas.mark([shard], 0.5 * g)]
