"""From path lengths to detector grey: attenuation, scatter, noise, collimation, the stored stretch."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from carpal.phantoms.attenuation import Film
from carpal.phantoms.canvas import Canvas, Floats, smooth


@dataclass(frozen=True)
class Beam:
    """How one view was exposed: air, gains, noise, blur, and the collimated field with its hot border."""

    air: float
    soft_gain: float
    bone_gain: float
    noise: float
    blur_px: float
    tilt_deg: float
    inset: tuple[float, float, float, float]
    glow: float
    edge: float
    levels: int


def sample_beam(rng: np.random.Generator) -> Beam:
    """Return the exposure of one view; ranges are set by the five real images (docs/explanation/phantoms.md)."""
    steep = rng.uniform() < 0.16
    tilt = rng.uniform(8, 45) * rng.choice([-1, 1]) if steep else rng.normal(0, 1.8)
    inset = rng.uniform(0.0, 0.017, 4)
    return Beam(
        air=rng.uniform(0.055, 0.115), soft_gain=rng.uniform(0.0084, 0.0112),
        bone_gain=rng.uniform(0.050, 0.064),
        noise=rng.uniform(0.0058, 0.0080), blur_px=rng.uniform(0.40, 0.62), tilt_deg=float(tilt),
        inset=(float(inset[0]), float(inset[1]), float(inset[2]), float(inset[3])),
        glow=rng.uniform(0.08, 0.24), edge=rng.uniform(0.35, 0.75),
        levels=int(rng.integers(2900, 4080)),
    )  # fmt: skip


def field_depth_px(canvas: Canvas, beam: Beam) -> Floats:
    """Return each pixel's distance (px) to the nearest border of the collimated field; negative outside."""
    a = np.deg2rad(beam.tilt_deg)
    x = np.arange(canvas.width, dtype=np.float32) - canvas.width / 2
    y = np.arange(canvas.height, dtype=np.float32) - canvas.height / 2
    u = np.add.outer(y * np.float32(np.sin(a)), x * np.float32(np.cos(a)))
    v = np.add.outer(y * np.float32(np.cos(a)), -x * np.float32(np.sin(a)))
    # The field just fills the frame when it is straight; a turned one keeps its middle inside and gives up its corners.
    turn = abs(np.sin(2 * a))
    half_w = canvas.width / 2 * (1 + 0.10 * turn)
    half_h = canvas.height / 2 * (1 - 0.12 * turn)
    left, right, top, bottom = (s * canvas.height for s in beam.inset)
    across = np.minimum(u + half_w - left, half_w - right - u)
    down = np.minimum(v + half_h - top, half_h - bottom - v)
    return np.asarray(np.minimum(across, down), np.float32)


def expose(film: Film, beam: Beam, cast: Floats | None, labels: Floats, rng: np.random.Generator) -> NDArray[np.uint16]:
    """Return the stored 16-bit picture: zero outside the field, stretched so that it spans 0..65535."""
    canvas = film.canvas
    soft = film.soft if cast is None else film.soft + cast
    dense = film.mineral * np.float32(beam.bone_gain)
    # Beam hardening and the detector's curve: thick bone gains less.
    dense = 0.55 * (1 - np.exp(-dense / 0.55))
    soft_share, bone_share = (1.0, 1.0) if cast is None else (0.82, 0.85)
    grey = beam.air + soft * np.float32(beam.soft_gain * soft_share) + dense * bone_share
    small = cv2.resize(grey, (canvas.width // 8, canvas.height // 8), interpolation=cv2.INTER_AREA)
    haze = cv2.resize(smooth(small, 3.5), (canvas.width, canvas.height), interpolation=cv2.INTER_LINEAR)
    scatter = 0.13 if cast is None else 0.24
    grey = (1 - scatter) * grey + scatter * haze
    grey += film.metal * np.maximum(0.90 - grey, 0)
    grey = smooth(grey, beam.blur_px)
    signal = rng.standard_normal(grey.shape, np.float32)
    signal = 0.55 * signal + 0.75 * cv2.GaussianBlur(signal, (3, 3), 0.8)
    grey += signal * np.float32(beam.noise) * np.sqrt(np.maximum(grey, 0.05) / 0.4)
    depth = field_depth_px(canvas, beam)
    # The field's border: a wide glow, and a thin hot line that sets the picture's maximum.
    away = np.maximum(depth, 0) * np.float32(640 / canvas.height)
    grey += np.float32(beam.glow) * np.exp(-away / 11) + np.float32(beam.edge) * np.exp(-away / 1.1)
    grey = np.maximum(grey, labels)
    # A one-pixel ramp at the field's border, then nothing.
    grey *= np.clip(depth + 0.5, 0, 1)
    return quantise(grey, beam.levels)


def quantise(grey: Floats, levels: int) -> NDArray[np.uint16]:
    """Return a picture of detector levels, stretched to 0..65535 as the dataset stores them."""
    counts = np.round(np.clip(grey, 0, 1) * levels)
    low, high = float(counts.min()), float(counts.max())
    return np.asarray(np.round((counts - low) * (65535.0 / max(high - low, 1.0))), np.uint16)
