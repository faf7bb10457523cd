"""Fractures: they bend, buckle and part the bone before it is drawn, then darken or thicken it along the line."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from carpal.phantoms.anatomy import Shaft, Skeleton, Warp, rotation
from carpal.phantoms.attenuation import Film
from carpal.phantoms.canvas import Mark, Points, smooth

Pattern = Literal["torus", "greenstick", "transverse", "oblique", "salter", "styloid"]

_HAND_FOLLOWS = "radius"


@dataclass(frozen=True)
class Fracture:
    """A fracture of radius or ulna: pattern, distance from the growth plate (adult mm), tension side, severity 0..1."""

    bone: Literal["radius", "ulna"]
    pattern: Pattern
    level_mm: float
    side: Literal[-1, 1]
    severity: float
    angle_deg: float
    shift_mm: float
    kind: str = "fracture"

    def shape(self, body: Skeleton) -> None:
        """Bend, buckle or displace the bone, and whatever hangs on its distal end."""
        bone, g = body.shafts[self.bone], body.size
        level = self._level(bone, g)
        if self.pattern == "torus":
            self._buckle(bone, level, g, both=self.severity > 0.6)
        elif self.pattern == "greenstick":
            self._buckle(bone, level, g, both=False)
            self._bend(body, level, self.angle_deg, 0.0, 3.0 * g)
        elif self.pattern in ("transverse", "oblique"):
            self._bend(body, level, self.angle_deg, self.shift_mm * g * self.side, 0.35 * g)
        elif self.pattern == "salter":
            self._slip(body, g)

    def _level(self, bone: Shaft, g: float) -> float:
        return float(bone.along[0]) + self.level_mm * g

    def _buckle(self, bone: Shaft, level: float, g: float, both: bool) -> None:
        # The bulge faces away from the tension side: short, rounded, steeper towards the hand.
        x = (bone.along - level) / (1.7 * g)
        bump = (0.9 + 1.3 * self.severity) * g * np.exp(-(np.abs(x) ** 2.2))
        if self.side < 0 or both:
            bone.left = bone.left - bump
        if self.side > 0 or both:
            bone.right = bone.right + bump

    def _bend(self, body: Skeleton, level: float, degrees: float, shift: float, soft: float) -> None:
        bone = body.shafts[self.bone]
        left, right = bone.at(level)
        hinge = np.array([(left + right) / 2, level])
        turn = rotation(degrees * self.side)

        def warp(points: Points) -> Points:
            part = 1 / (1 + np.exp(np.clip((points[:, 1] - level) / soft * 4, -40, 40)))
            moved = (points - hinge) @ turn.T + hinge + np.array([shift, 0.0])
            return np.asarray(points + (moved - points) * part[:, None])

        bone.warps.append(warp)
        self._carry(body, warp)

    def _carry(self, body: Skeleton, warp: Warp) -> None:
        """Let the epiphysis, and for the radius the hand, go with the distal fragment."""
        for name, nucleus in body.nuclei.items():
            if name == f"{self.bone} epiphysis" or (self.bone == _HAND_FOLLOWS and "epiphysis" not in name):
                nucleus.warps.append(warp)
        if self.bone == _HAND_FOLLOWS:
            for name, shaft in body.shafts.items():
                if name not in ("radius", "ulna"):
                    frame = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
                    corners = warp(frame @ shaft.pose[:, :2].T + shaft.pose[:, 2])
                    shaft.pose = np.column_stack([corners[1] - corners[0], corners[2] - corners[0], corners[0]])

    def _slip(self, body: Skeleton, g: float) -> None:
        epiphysis = body.nuclei.get(f"{self.bone} epiphysis")
        if epiphysis is None:
            return
        slip = np.array([self.side * (1.6 + 2.0 * self.severity), -0.5 - 0.9 * self.severity]) * g
        turn = rotation(self.side * (3 + 5 * self.severity))
        centre = epiphysis.points.mean(axis=0)
        epiphysis.points = (epiphysis.points - centre) @ turn.T + centre + slip

    def paint(self, film: Film) -> list[Mark]:
        """Draw the line on the rendered bone and return the fracture's box in pixels."""
        bone, g = film.skeleton.shafts[self.bone], film.skeleton.size
        level = self._level(bone, g)
        if self.pattern == "styloid":
            return self._avulsion(film, bone, g)
        if self.pattern == "salter":
            return self._metaphyseal_corner(film, bone, g)
        left, right = bone.at(level)
        line = self._line(film.rng, bone, level, g)
        if self.pattern == "torus":
            self._band(film, bone.place(line), 2.6 * g, 0.30)
        elif self.pattern == "greenstick":
            # The tension side opens, the far cortex holds.
            reach = line[: int(len(line) * 0.7)] if self.side > 0 else line[int(len(line) * 0.3) :]
            self._gap(film, bone.place(reach), 1.0 * g, 0.55)
            self._band(film, bone.place(line), 2.4 * g, 0.16)
        else:
            self._gap(film, bone.place(line), (0.9 + 0.5 * self.severity) * g, 0.62)
            if abs(self.shift_mm) < 1.0:
                self._band(film, bone.place(line + np.array([0, 1.6 * g])), 1.6 * g, 0.15)
        rim = 3.6 * g
        tall = np.array([[left, level - rim], [right, level - rim], [left, level + rim], [right, level + rim]])
        extent = [bone.place(tall), bone.place(line), bone.place(self._borders(bone, level, rim))]
        return [film.canvas.mark(extent, 1.0 * g)]

    def _borders(self, bone: Shaft, level: float, reach: float) -> Points:
        near = np.abs(bone.along - level) < reach
        return np.vstack([
            np.column_stack([bone.left[near], bone.along[near]]),
            np.column_stack([bone.right[near], bone.along[near]]),
        ])  # fmt: skip

    def _line(self, rng: np.random.Generator, bone: Shaft, level: float, g: float) -> Points:
        left, right = bone.at(level)
        u = np.linspace(0, 1, 14)
        slope = (0.55 if self.pattern == "oblique" else 0.06) * self.side * (right - left)
        rough = {"torus": 0.25, "greenstick": 0.45}.get(self.pattern, 0.55) * g
        y = level + slope * (u - 0.5) + rng.normal(0, rough, u.shape)
        edge = np.array([bone.at(float(v)) for v in y])
        return np.column_stack([edge[:, 0] + (edge[:, 1] - edge[:, 0]) * u, y])

    def _gap(self, film: Film, line: Points, width: float, strength: float) -> None:
        patch = film.canvas.stroke(line, width)
        if patch is not None:
            sigma = 0.35 * film.canvas.px_per_mm * film.skeleton.size
            film.mineral[patch.where] *= 1 - strength * smooth(patch.cover, sigma)

    def _band(self, film: Film, line: Points, width: float, strength: float) -> None:
        patch = film.canvas.stroke(line, width)
        if patch is not None:
            sigma = 0.7 * film.canvas.px_per_mm * film.skeleton.size
            film.mineral[patch.where] *= 1 + strength * smooth(patch.cover, sigma)

    def _metaphyseal_corner(self, film: Film, bone: Shaft, g: float) -> list[Mark]:
        """Salter-Harris II: the slipped epiphysis takes a corner of the metaphysis with it."""
        top = float(bone.along[0])
        left, right = bone.at(top)
        width = right - left
        edge, sign = (left, 1) if self.side < 0 else (right, -1)
        end = np.array([edge + sign * width * 0.62, top - bone.cap])
        foot_y = top + (7.5 + 2 * self.severity) * g
        foot = np.array([bone.at(foot_y)[0 if self.side < 0 else 1], foot_y])
        t = np.linspace(0, 1, 9)[:, None]
        line = end + (foot - end) * t + film.rng.normal(0, 0.25 * g, (9, 2))
        self._gap(film, bone.place(line), 1.1 * g, 0.6)
        parts = [bone.place(line), bone.place(np.array([[left, top], [right, top]]))]
        epiphysis = film.skeleton.nuclei.get(f"{self.bone} epiphysis")
        if epiphysis is not None:
            outline = epiphysis.outline()
            parts.append(outline[outline[:, 1] > np.median(outline[:, 1])])
        return [film.canvas.mark(parts, 1.0 * g)]

    def _avulsion(self, film: Film, bone: Shaft, g: float) -> list[Mark]:
        """A chip off the ulnar styloid, with its bed."""
        base = film.skeleton.nuclei.get("ulna epiphysis")
        outline = base.outline() if base is not None else bone.outline()
        tip = outline[np.argmin(outline[:, 1] + 0.15 * outline[:, 0])]
        size = (2.2 + 1.2 * self.severity) * g
        centre = tip + np.array([-0.8, -1.0]) * size * 0.9
        t = np.linspace(0, 2 * np.pi, 14, endpoint=False)
        radius = size * 0.62 * (1 + film.rng.normal(0, 0.12, 14))
        chip = centre + np.column_stack([np.cos(t), 0.75 * np.sin(t)]) * radius[:, None]
        patch = film.canvas.fill(chip)
        if patch is not None:
            film.mineral[patch.where] += smooth(patch.cover, 0.8) * 5.5 * g
        return [film.canvas.mark([chip, tip[None]], 1.0 * g)]
