"""Findings of bone: lesions, anomalies, periosteal reaction; and what any finding must be able to do."""

from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np

from carpal.phantoms.anatomy import Nucleus, Shaft, Skeleton, rotation
from carpal.phantoms.attenuation import Film
from carpal.phantoms.canvas import Mark, Points, smooth

Long = Literal["radius", "ulna"]
Form = Literal["exostosis", "tilted", "fragmented"]
FORMS: tuple[Form, ...] = ("exostosis", "tilted", "fragmented")


class Finding(Protocol):
    """Something to be found in both views of a study: it shapes the anatomy, then paints itself and tells its boxes."""

    @property
    def kind(self) -> str:
        """The class name."""

    def shape(self, body: Skeleton) -> None:
        """Change the anatomy before it is drawn."""

    def paint(self, film: Film) -> list[Mark]:
        """Draw on the film and return the extents of what was drawn."""


def blob(
    rng: np.random.Generator, centre: Points, width: float, height: float, rough: float, corners: int = 22
) -> Points:
    """Return an irregular closed outline about a centre."""
    t = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    radius = np.ones_like(t)
    for k in (2, 3, 4):
        radius += rng.normal(0, rough / k) * np.cos(k * t + rng.uniform(0, 6.3))
    shape = np.column_stack([np.cos(t) * width / 2, np.sin(t) * height / 2])
    return np.asarray(centre + shape * radius[:, None])


@dataclass(frozen=True)
class Lesion:
    """A lucent focus with a dense rim, or a dense focus, in a shaft."""

    bone: Long
    level_mm: float
    across: float
    size_mm: float
    dense: bool
    kind: str = "bonelesion"

    def shape(self, body: Skeleton) -> None:
        """Expand the bone slightly over a lucent focus."""
        bone, g = body.shafts[self.bone], body.size
        if not self.dense:
            bump = 0.5 * g * np.exp(-(((bone.along - bone.along[0] - self.level_mm * g) / (5 * g)) ** 2))
            bone.left, bone.right = bone.left - bump, bone.right + bump

    def paint(self, film: Film) -> list[Mark]:
        """Draw the focus."""
        bone, g = film.skeleton.shafts[self.bone], film.skeleton.size
        level = float(bone.along[0]) + self.level_mm * g
        left, right = bone.at(level)
        width = min(self.size_mm * g, 0.78 * (right - left))
        slack = (right - left - width) / 2
        centre = np.array([(left + right) / 2 + self.across * slack * 0.8, level])
        outline = bone.place(blob(film.rng, centre, width, self.size_mm * g * film.rng.uniform(0.95, 1.35), 0.16))
        patch = film.canvas.fill(outline)
        if patch is not None:
            inner = smooth(patch.cover, 0.35 * g * film.canvas.px_per_mm)
            if self.dense:
                film.mineral[patch.where] += inner * 5.5 * g
            else:
                film.mineral[patch.where] *= 1 - 0.50 * inner
                rim = film.canvas.stroke(outline, 0.9 * g, closed=True)
                if rim is not None:
                    film.mineral[rim.where] += smooth(rim.cover, 0.8) * 3.4 * g
        return [film.canvas.mark([outline], 0.7 * g)]


@dataclass(frozen=True)
class Periosteal:
    """A thin shell of new bone lifted off the cortex, on one side or both."""

    bone: Long
    level_mm: float
    length_mm: float
    lift_mm: float
    side: Literal[-1, 1]
    both: bool
    kind: str = "periostealreaction"

    def shape(self, body: Skeleton) -> None:
        """Leave the bone as it is: the reaction lies outside."""

    def paint(self, film: Film) -> list[Mark]:
        """Draw the shell and the haze under it."""
        return [self._one(film, side) for side in ((-1, 1) if self.both else (self.side,))]

    def _one(self, film: Film, side: int) -> Mark:
        bone, g = film.skeleton.shafts[self.bone], film.skeleton.size
        start = float(bone.along[0]) + self.level_mm * g
        y = np.linspace(start, start + self.length_mm * g, 40)
        u = np.linspace(0, 1, 40)
        cortex = np.interp(y, bone.along, bone.left if side < 0 else bone.right)
        lift = self.lift_mm * g * np.sin(np.pi * u) ** 0.6 + film.rng.normal(0, 0.05 * g, 40)
        shell = bone.place(np.column_stack([cortex + side * lift, y]))
        wall = bone.place(np.column_stack([cortex - side * 0.2 * g, y]))
        lens = np.vstack([shell, wall[::-1]])
        patch = film.canvas.fill(lens)
        if patch is not None:
            film.mineral[patch.where] += smooth(patch.cover, 1.0) * 1.4 * g
        line = film.canvas.stroke(shell, 0.75 * g)
        if line is not None:
            film.mineral[line.where] += smooth(line.cover, 0.8) * 4.2 * g
        return replace(film.canvas.mark([lens], 0.6 * g), outline=film.canvas.px(lens))


@dataclass(frozen=True)
class Anomaly:
    """A bone that grew wrong: an outgrowth, a tilted and deformed epiphysis, or a split one."""

    form: Form
    bone: Long
    level_mm: float
    side: Literal[-1, 1]
    degree: float
    kind: str = "boneanomaly"

    def shape(self, body: Skeleton) -> None:
        """Deform the metaphysis and the epiphysis."""
        bone, g = body.shafts[self.bone], body.size
        epiphysis = body.nuclei.get(f"{self.bone} epiphysis")
        if self._form(body) != "tilted" or epiphysis is None:
            return
        # Madelung-like: the joint surface leans steeply and the metaphysis is bowed under it.
        centre = np.array([sum(bone.at(float(bone.along[0]))) / 2, float(bone.along[0])])
        degrees = -(19 + 11 * self.degree)
        reach = 9.0 * g

        def warp(points: Points) -> Points:
            part = 1 / (1 + np.exp(np.clip((points[:, 1] - centre[1] - reach) / (2.4 * g), -40, 40)))
            moved = (points - centre) @ rotation(degrees).T + centre
            return np.asarray(points + (moved - points) * part[:, None])

        bone.warps.append(warp)
        u = epiphysis.points[:, 0] - centre[0]
        epiphysis.points = epiphysis.points + np.column_stack([0 * u, -0.10 * u])
        epiphysis.warps.append(warp)

    def _form(self, body: Skeleton) -> str:
        return self.form if f"{self.bone} epiphysis" in body.nuclei else "exostosis"

    def paint(self, film: Film) -> list[Mark]:
        """Draw what is added, and return the box of the abnormal part."""
        bone, g = film.skeleton.shafts[self.bone], film.skeleton.size
        form = self._form(film.skeleton)
        if form == "exostosis":
            return [self._exostosis(film, bone, g)]
        epiphysis = film.skeleton.nuclei[f"{self.bone} epiphysis"]
        if form == "fragmented":
            return [self._fragments(film, epiphysis, g)]
        top = float(bone.along[0])
        left, right = bone.at(top)
        ends = bone.place(np.array([[left, top], [right, top], [left, top + 5 * g], [right, top + 5 * g]]))
        return [film.canvas.mark([epiphysis.outline(), ends], 0.8 * g)]

    def _exostosis(self, film: Film, bone: Shaft, g: float) -> Mark:
        level = float(bone.along[0]) + self.level_mm * g
        left, right = bone.at(level)
        edge = left if self.side < 0 else right
        out, half = (5.5 + 3.5 * self.degree) * g, (3.2 + 1.2 * self.degree) * g
        # A stalk that leans away from the joint, with a rounded head.
        x = [-0.6 * g, 0.35 * out, 0.85 * out, out, 0.92 * out, 0.5 * out, 0.1 * out, -0.6 * g]
        y = np.array([-1.0, -0.75, -0.35, 0.35, 1.0, 1.05, 1.25, 1.4]) * half
        shape = np.column_stack([x, y])
        points = bone.place(shape * np.array([self.side, 1.0]) + np.array([edge, level]))
        patch = film.canvas.fill(points)
        if patch is not None:
            texture = film.textures.part(film.textures.net, patch, film.shift())
            film.mineral[patch.where] += smooth(patch.cover, 1.0) * (3.2 + 0.7 * texture) * g
        rim = film.canvas.stroke(points[1:-1], 1.0 * g)
        if rim is not None:
            film.mineral[rim.where] += smooth(rim.cover, 0.8) * 3.0 * g
        return film.canvas.mark([points[1:]], 0.8 * g)

    def _fragments(self, film: Film, epiphysis: Nucleus, g: float) -> Mark:
        outline = epiphysis.outline()
        low, high = outline.min(axis=0), outline.max(axis=0)
        for share in (0.32, 0.66):
            x = low[0] + (high[0] - low[0]) * (share + film.rng.normal(0, 0.03))
            y = np.linspace(low[1] - g, high[1] + g, 9)
            cleft = np.column_stack([x + film.rng.normal(0, 0.5 * g, 9) + (y - y.mean()) * film.rng.normal(0, 0.2), y])
            patch = film.canvas.stroke(cleft, 1.7 * g)
            if patch is not None:
                film.mineral[patch.where] *= 1 - 0.85 * smooth(patch.cover, 1.0)
        for _ in range(5):
            centre = low + (high - low) * film.rng.uniform(0.12, 0.88, 2)
            patch = film.canvas.fill(blob(film.rng, centre, 2.6 * g, 2.2 * g, 0.2))
            if patch is not None:
                film.mineral[patch.where] *= 1 + 0.55 * smooth(patch.cover, 1.0)
        return film.canvas.mark([outline], 0.8 * g)
