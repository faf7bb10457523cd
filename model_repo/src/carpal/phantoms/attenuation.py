"""What lies in the beam: mineral of the bones and soft tissue, as path lengths in mm on the frame."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from carpal.phantoms.anatomy import Nucleus, Shaft, Skeleton, half_width
from carpal.phantoms.canvas import Canvas, Floats, Patch, smooth
from carpal.phantoms.streams import stream

TILE_PX = 1024


@dataclass(frozen=True)
class Textures:
    """Noise tiles of a seed, TILE_PX square, zero mean, about unit deviation; they repeat without a seam."""

    along: Floats
    net: Floats
    muscle: Floats
    weave: Floats

    @staticmethod
    def part(tile: Floats, patch: Patch, shift: tuple[int, int]) -> Floats:
        """Return the part of a tile under a patch, at most TILE_PX wide, the tile shifted."""
        rows = (np.arange(patch.rows.start, patch.rows.stop) + shift[0]) % TILE_PX
        cols = (np.arange(patch.cols.start, patch.cols.stop) + shift[1]) % TILE_PX
        return np.asarray(tile[rows[:, None], cols], np.float32)


def _periodic_blur(noise: Floats, across: float, along: float) -> Floats:
    """Return a Gaussian blur that wraps around, so that a shifted tile has no seam."""
    pad = 128
    wide = np.pad(noise, pad, mode="wrap")
    blurred = cv2.GaussianBlur(wide, (0, 0), across, sigmaY=along)
    return np.asarray(blurred[pad:-pad, pad:-pad], np.float32)


def _tile(rng: np.random.Generator, across: float, along: float, ridge: float) -> Floats:
    noise = rng.standard_normal((TILE_PX, TILE_PX), np.float32)
    band = _periodic_blur(noise, across, along) - _periodic_blur(noise, across * 2.2, along * 1.6)
    band /= band.std()
    if ridge:
        # Trabeculae are thin bright lines on dark: the zero crossings of band-passed noise.
        band = np.exp(-((band * ridge) ** 2))
        band = (band - band.mean()) / band.std()
    return np.asarray(band, np.float32)


@lru_cache(maxsize=2)
def textures(seed: int) -> Textures:
    """Return the noise tiles of a seed; drawn once a process, then shared by its phantoms."""
    rng = stream(seed, 0)
    along, net = _tile(rng, 0.85, 6.0, 1.5), _tile(rng, 1.45, 1.6, 1.8)
    muscle = _tile(rng, 5.0, 22.0, 0.0)
    y, x = np.mgrid[0:TILE_PX, 0:TILE_PX].astype(np.float32)
    crimp = _periodic_blur(rng.standard_normal((TILE_PX, TILE_PX), np.float32), 9.0, 9.0) * 60
    # Whole numbers of threads a tile: 90 one way, 81 the other.
    thread = np.float32(2 * np.pi / TILE_PX)
    weave = np.sin((x + y + crimp) * thread * 90) * np.sin((x - y + crimp) * thread * 81)
    coarse = _periodic_blur(rng.standard_normal((TILE_PX, TILE_PX), np.float32), 12.0, 12.0) * 30
    return Textures(along, net, muscle, np.asarray(weave + 0.7 * coarse, np.float32))


@dataclass
class Film:
    """One view in the making: path lengths on the frame, and what findings need to draw themselves."""

    canvas: Canvas
    skeleton: Skeleton
    mineral: Floats
    soft: Floats
    metal: Floats
    textures: Textures
    rng: np.random.Generator

    def shift(self) -> tuple[int, int]:
        """Return a random shift of a texture tile."""
        a, b = self.rng.integers(0, TILE_PX, 2)
        return int(a), int(b)


def _depth_mm(patch: Patch, px_per_mm: float) -> Floats:
    inside = (patch.cover > 0.5).astype(np.uint8)
    distance = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_5)
    return np.asarray(np.maximum(distance - 0.5 + 0.5 * (patch.cover - 0.5), 0) / px_per_mm, np.float32)


def _chord(radius: Floats, depth: Floats) -> Floats:
    """Return the path (mm) through a cylinder at a depth below its border: 2 sqrt(R^2 - (R - d)^2)."""
    reach = radius - np.clip(depth, 0, radius)
    return np.asarray(2 * np.sqrt(np.maximum(radius**2 - reach**2, 0)), np.float32)


def _hollow(depth: Floats, radius: Floats, cortex: Floats, marrow: Floats) -> Floats:
    outer = _chord(radius, depth)
    inner = _chord(np.maximum(radius - cortex, 0), depth - cortex) * (depth > cortex)
    return np.asarray(outer - inner * (1 - marrow), np.float32)


def add_shaft(film: Film, bone: Shaft, poverty: float) -> None:
    """Add a tubular bone's mineral; poverty 0..1 thins cortex and trabeculae (osteopenia)."""
    patch = film.canvas.fill(bone.outline())
    if patch is None:
        return
    x, y = film.canvas.mm(patch)
    pose = np.linalg.inv(bone.pose[:, :2])
    along = pose[1, 0] * (x - bone.pose[0, 2]) + pose[1, 1] * (y - bone.pose[1, 2])
    radius = half_width(bone, along)
    depth = np.minimum(_depth_mm(patch, film.canvas.px_per_mm), radius)
    cortex = np.interp(along, bone.along, bone.cortex).astype(np.float32) * (1 - 0.4 * poverty)
    g = film.skeleton.size
    # Marrow carries trabeculae near the joint and hardly any in the middle of the shaft.
    end = np.exp(-np.maximum(along - bone.along[0], 0) / (24 * g))
    texture = film.textures.part(film.textures.along, patch, film.shift())
    marrow = bone.medulla * (0.30 + 0.70 * end) * (1 - 0.35 * poverty) * (1 + 0.36 * texture)
    # The zone of calcification borders the growth plate as a thin dense line.
    marrow += 0.30 * np.exp(-(((along - bone.along[0] - 0.6 * g) / (0.9 * g)) ** 2))
    path = _hollow(depth, radius, cortex, np.clip(marrow, 0, 1).astype(np.float32)) * bone.depth
    film.mineral[patch.where] += smooth(path * patch.cover, 0.7)


def add_nucleus(film: Film, bone: Nucleus, poverty: float) -> None:
    """Add a carpal bone's or an epiphysis's mineral."""
    patch = film.canvas.fill(bone.outline())
    if patch is None:
        return
    depth = _depth_mm(patch, film.canvas.px_per_mm)
    radius = np.full_like(depth, max(float(depth.max()), 0.1))
    cortex = np.full_like(depth, min(bone.cortex * (1 - 0.35 * poverty), float(radius[0, 0]) * 0.6))
    texture = film.textures.part(film.textures.net, patch, film.shift())
    marrow = np.clip(bone.medulla * (1 - 0.3 * poverty) * (1 + 0.40 * texture), 0, 1).astype(np.float32)
    # Round bones are flatter than a sphere: the path saturates.
    if "epiphysis" in bone.name:
        # The bony end plates of an epiphysis show as a second dense line inside its border.
        marrow += 0.16 * np.exp(-(((depth - 2.0 * film.skeleton.size) / (0.6 * film.skeleton.size)) ** 2))
    path = _hollow(depth, radius, cortex, marrow) * bone.depth
    film.mineral[patch.where] += smooth(path * patch.cover, 0.7)


def add_soft_tissue(film: Film) -> None:
    """Add the skin's envelope: thickness rises from the border like a rounded slab, with muscle and fat in it."""
    canvas, body = film.canvas, film.skeleton
    small = Canvas(canvas.height // 2, canvas.width // 2, canvas.matrix / 2)
    mask = np.zeros((small.height, small.width), np.float32)
    for outline in (body.skin(), body.thumb):
        patch = small.fill(outline)
        if patch is not None:
            mask[patch.where] = np.maximum(mask[patch.where], patch.cover)
    padded = cv2.copyMakeBorder((mask > 0.5).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    far = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1]
    depth: Floats = np.asarray(far / small.px_per_mm, np.float32)
    # A forearm is an ellipse: it goes on thickening to its middle.
    radius = 0.74 * body.thickness_mm
    whole_limb, rim = (_chord(np.full_like(depth, r), depth) for r in (radius, 0.36 * radius))
    slab = smooth(np.asarray(0.40 * whole_limb + 0.42 * rim, np.float32), 1.0)
    slab *= 1 - 0.10 * np.exp(-depth / (2.5 * body.size)).astype(np.float32)
    whole = Patch(slice(0, small.height), slice(0, small.width), mask)
    slab *= 1 + 0.045 * film.textures.part(film.textures.muscle, whole, film.shift())
    slab *= 1 + 0.022 * film.textures.part(film.textures.along, whole, film.shift())
    film.soft += cv2.resize(slab, (canvas.width, canvas.height), interpolation=cv2.INTER_LINEAR)
