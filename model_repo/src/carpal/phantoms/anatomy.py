"""Bones of a child's wrist for an age and a view, in millimetres.

Frame: y runs towards the elbow and is 0 at the growth plate of the radius; x runs towards the thumb in the AP view
and towards the palm in the lateral view. Sizes are an adult's, times `growth(age)`. Onset ages of the
ossification centres are the usual ones of radiology texts (capitate and hamate in infancy, pisiform at nine to ten).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from carpal.phantoms.canvas import Floats, Points

View = Literal["ap", "lateral"]
Warp = Callable[[Points], Points]

# name: onset age, age of full size, then (x, y, width, height, tilt in degrees) in AP and lateral, adult mm
_CARPALS: dict[str, tuple[float, float, tuple[float, ...], tuple[float, ...]]] = {
    "capitate": (0.2, 12, (4.5, -29, 15, 23, 0), (0, -29, 13, 22, 0)),
    "hamate": (0.3, 12, (-9, -30, 15, 18, -12), (1, -30, 12, 17, 4)),
    "triquetrum": (2.3, 12, (-14, -18, 14, 14, 30), (-4, -18, 11, 12, 10)),
    "lunate": (3.8, 12, (-1.5, -14, 15, 12.5, 8), (0, -13.5, 14, 13, 0)),
    "scaphoid": (5.0, 13, (15, -18, 19, 13, -42), (5, -18, 11, 20, 28)),
    "trapezium": (5.3, 13, (28, -32, 14, 14, 25), (9, -33, 13, 13, 10)),
    "trapezoid": (5.6, 13, (18, -34, 11, 12, 10), (1, -36, 10, 10, 0)),
    "pisiform": (9.5, 14, (-17, -20, 9, 10, 0), (12, -16, 8, 10, 20)),
}
# name: base x, base y, direction in degrees from distal (towards +x), base width, shaft width
_METACARPALS: dict[View, dict[str, tuple[float, float, float, float, float]]] = {
    "ap": {
        "metacarpal5": (-17, -41, -14, 12, 8),
        "metacarpal4": (-7, -42, -6, 12, 8),
        "metacarpal3": (5, -43, 1, 14, 9),
        "metacarpal2": (17, -43, 8, 16, 9.5),
        "metacarpal1": (36, -39, 34, 14, 10),
    },
    "lateral": {
        "metacarpal5": (2, -41, 7, 12, 8),
        "metacarpal4": (0, -42, 3, 12, 8),
        "metacarpal3": (-1, -43, 0, 13, 9),
        "metacarpal2": (-1, -43, -3, 13, 9),
        "metacarpal1": (14, -39, 24, 13, 9.5),
    },
}


def growth(age: float) -> float:
    """Return the size of a hand at an age in years, as a share of an adult's."""
    return float(np.clip(0.46 + 0.034 * age, 0.46, 1.02))


@dataclass
class Shaft:
    """A tubular bone: left and right border (mm across) at stations along its own axis, posed in the frame."""

    name: str
    along: Points
    left: Points
    right: Points
    cortex: Points
    medulla: float
    depth: float
    cap: float = 1.0
    wave: float = 0.0
    pose: Points = field(default_factory=lambda: np.array([[1.0, 0, 0], [0, 1.0, 0]]))
    warps: list[Warp] = field(default_factory=list)

    def place(self, points: Points) -> Points:
        """Return points of the bone's own frame, warped by its fractures and posed, in the anatomy's frame."""
        for warp in self.warps:
            points = warp(points)
        return np.asarray(points @ self.pose[:, :2].T + self.pose[:, 2])

    def at(self, y: float) -> tuple[float, float]:
        """Return left and right border at a station."""
        return float(np.interp(y, self.along, self.left)), float(np.interp(y, self.along, self.right))

    def outline(self) -> Points:
        """Return the closed outline (N, 2) in the anatomy's frame, the distal cap slightly domed."""
        u = np.linspace(-1, 1, 15)[1:-1]
        middle, half = (self.left[0] + self.right[0]) / 2, (self.right[0] - self.left[0]) / 2
        dome = self.along[0] - self.cap * (1 - u**4) + self.wave * np.sin(u * 7)
        cap = np.column_stack([middle + half * u, dome])
        left = np.column_stack([self.left, self.along])[::-1]
        right = np.column_stack([self.right, self.along])
        return self.place(np.vstack([left, cap, right]))


@dataclass
class Nucleus:
    """A round bone: a carpal bone or an epiphysis, by its outline (N, 2) in mm."""

    name: str
    points: Points
    cortex: float
    medulla: float
    depth: float
    warps: list[Warp] = field(default_factory=list)

    def outline(self) -> Points:
        """Return the closed outline (N, 2) in the anatomy's frame."""
        points = self.points
        for warp in self.warps:
            points = warp(points)
        return points


@dataclass
class Skeleton:
    """All bones of one view, and the skin's left and right border (mm) at stations along y."""

    view: View
    age: float
    size: float
    shafts: dict[str, Shaft]
    nuclei: dict[str, Nucleus]
    skin_y: Points
    skin_left: Points
    skin_right: Points
    thumb: Points
    thickness_mm: float

    def skin(self) -> Points:
        """Return the closed outline of forearm and hand, without the thumb."""
        left = np.column_stack([self.skin_left, self.skin_y])
        right = np.column_stack([self.skin_right, self.skin_y])
        return np.vstack([left, right[::-1]])


def rotation(degrees: float) -> Points:
    """Return the 2x2 matrix that turns points (x, y down) by an angle."""
    a = np.deg2rad(degrees)
    return np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])


def _round(rng: np.random.Generator, box: tuple[float, ...], size: float, rough: float) -> Points:
    """Return a superellipse with a few random harmonics, N = 40."""
    x, y, width, height, tilt = box
    t = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    c, s = np.cos(t), np.sin(t)
    power = 0.78
    shape = np.column_stack([np.sign(c) * np.abs(c) ** power * width / 2, np.sign(s) * np.abs(s) ** power * height / 2])
    radius = np.ones_like(t)
    for k in (2, 3, 4, 5):
        radius += rng.normal(0, rough / k) * np.cos(k * t + rng.uniform(0, 6.3))
    shape = shape * radius[:, None] * size
    return np.asarray(shape @ rotation(tilt).T + np.array([x, y]))


def _epiphysis(bone: Shaft, view: View, age: float, onset: float, g: float, rng: np.random.Generator) -> Points | None:
    """Return the outline of a bone's epiphysis, or None before its onset age."""
    if age < onset:
        return None
    grown = float(np.clip(((age - onset) / (10.5 - onset)) ** 0.6, 0.28, 1))
    gap = plate(age) * g
    left, right = bone.at(bone.along[0])
    middle, half = (left + right) / 2, (right - left) / 2
    radial = bone.name == "radius"
    lean = (0.35 if radial else -0.15) if view == "ap" else 0.0
    middle += (1 - grown) * half * lean
    half *= 0.25 + 0.75 * grown if grown < 1 else 1.0
    height = (7.5 if radial else 5.5) * g * (0.55 + 0.45 * grown)
    u = np.linspace(-1, 1, 21)
    base = bone.along[0] - bone.cap * (1 - u**4) + bone.wave * np.sin(u * 7) - gap
    if view == "ap":
        peak = 9.0 * g * grown if radial else 5.0 * g * grown
        side = np.clip((u if radial else -u) * 1.0, -1, 1)
        rise = height + peak * np.clip((side + 0.35) / 1.35, 0, 1) ** 1.6
    else:
        rise = height + 2.5 * g * (np.abs(u) ** 2) * grown
    edge = (1 - np.abs(u) ** 6) ** 0.4
    top = base - rise * (0.25 + 0.75 * edge) + rng.normal(0, 0.15 * g, u.shape)
    lower = np.column_stack([middle + half * u, base])
    upper = np.column_stack([middle + half * 0.97 * u, top])[::-1]
    return _rounded(np.vstack([lower, upper]), 0.9 * g)


def _rounded(points: Points, radius: float) -> Points:
    """Return a closed outline resampled at even steps with its corners smoothed over about `radius` mm."""
    closed = np.vstack([points, points[:1]])
    run = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    n = max(48, int(run[-1] / 0.4))
    at = np.linspace(0, run[-1], n, endpoint=False)
    even = np.column_stack([np.interp(at, run, closed[:, k]) for k in (0, 1)])
    lag = np.arange(n)
    lag = np.minimum(lag, n - lag) * run[-1] / n
    kernel = np.exp(-0.5 * (lag / radius) ** 2)
    response = np.fft.rfft(kernel / kernel.sum())[:, None]
    return np.asarray(np.fft.irfft(np.fft.rfft(even, axis=0) * response, n, axis=0))


def plate(age: float) -> float:
    """Return the height of an open growth plate in adult mm; it thins with age and is nearly closed at 17."""
    return float(np.interp(age, [1, 6, 12, 15, 17, 19], [2.6, 2.1, 1.7, 1.2, 0.6, 0.4]))


def _forearm(view: View, g: float, rng: np.random.Generator) -> dict[str, Shaft]:
    stations = np.array([0, 3, 7, 13, 20, 28, 38, 55, 160.0])
    fine = np.concatenate([np.arange(0, 70, 0.6), np.arange(70, 161, 6.0)])
    if view == "ap":
        table = {
            "radius": (
                [15.3, 14.8, 13.4, 11.4, 9.6, 8.2, 7.2, 6.5, 6.3],
                [11.5, 11.5, 11.3, 11, 10.6, 10.2, 9.8, 9, 6],
            ),
            "ulna": ([9, 8.6, 7.4, 6.2, 5.3, 4.8, 4.5, 4.4, 4.8], [-15, -15, -15, -14.8, -14.6, -14.3, -14, -13, -10]),
        }
    else:
        table = {
            "radius": ([10.8, 10.4, 9.4, 8.3, 7.3, 6.5, 6.0, 5.7, 5.8], [0, 0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.8, 2]),
            "ulna": ([6.6, 6.3, 5.7, 5.2, 4.9, 4.6, 4.4, 4.4, 4.7], [-3.5, -3.5, -3.4, -3.2, -3, -2.8, -2.6, -2, -1]),
        }
    shafts = {}
    for name, (half, centre) in table.items():
        spread = rng.normal(1, 0.05)
        slide = rng.normal(0, 1.0 if view == "ap" else 1.6) * (name == "ulna")
        w = np.interp(fine, stations, half) * spread
        # A soft wave keeps the borders from looking ruled.
        bend = 0.35 * np.sin(fine / rng.uniform(9, 14) + rng.uniform(0, 6)) * np.clip(fine / 20, 0, 1)
        c = np.interp(fine, stations, centre) + slide + bend
        cortex = np.interp(fine, [0, 8, 20, 38, 60], [0.5, 0.7, 1.3, 2.2, 2.7])
        offset = (rng.uniform(1, 4) if name == "ulna" else 0.0) * (1 if view == "ap" else 0.6)
        shafts[name] = Shaft(
            name, (fine + offset) * g, (c - w) * g, (c + w) * g, cortex * g, 0.30, 0.62 if view == "ap" else 0.95,
            cap=rng.uniform(0.4, 1.8) * g, wave=rng.normal(0, 0.4) * g,
        )  # fmt: skip
    return shafts


def _metacarpal(name: str, view: View, age: float, g: float, rng: np.random.Generator) -> Shaft:
    x, y, degrees, base, shaft = _METACARPALS[view][name]
    length = 44.0 if name == "metacarpal1" else 62.0
    fine = np.linspace(0, length, 60)
    # The local frame runs from head (0) to base (length).
    share, profile = [0, 0.08, 0.25, 0.55, 0.82, 0.93, 0.98, 1], [0.52, 0.62, 0.55, 0.48, 0.46, 0.52, 0.44, 0.22]
    half = np.interp(fine / length, share, profile)
    width = half * np.interp(fine / length, [0, 0.6, 1], [shaft * 1.25, shaft, base])
    cortex = np.interp(fine / length, [0, 0.2, 0.5, 0.8, 1], [0.5, 1.0, 2.0, 1.1, 0.5])
    shrink = np.interp(age, [1, 12], [3.5, 0])
    turn = rotation(degrees + rng.normal(0, 1.5))
    start = np.array([x, y - shrink]) * g
    head = start + turn @ np.array([0, -length * g])
    pose = np.column_stack([turn, head])
    return Shaft(name, fine * g, -width * g, width * g, cortex * g, 0.22, 0.8, cap=3.0 * g, pose=pose)


def skeleton(age: float, view: View, rng: np.random.Generator) -> Skeleton:
    """Return the bones and the skin of a wrist at an age (years) in a view, with the variation of `rng`."""
    g = growth(age) * float(rng.normal(1, 0.03))
    shafts = _forearm(view, g, rng)
    nuclei = {}
    for bone, onset in (("radius", 1.0), ("ulna", 6.0)):
        outline = _epiphysis(shafts[bone], view, age, onset, g, rng)
        if outline is not None:
            nuclei[f"{bone} epiphysis"] = Nucleus(f"{bone} epiphysis", outline, 0.8 * g, 0.26, 1.25)
    for name, (onset, full, ap, lateral) in _CARPALS.items():
        share = (age + rng.normal(0, 0.4) - onset) / (full - onset)
        if share <= 0:
            continue
        box = tuple((np.array(ap if view == "ap" else lateral) + rng.normal(0, 0.5, 5)) * np.array([g, g, 1, 1, 1]))
        nuclei[name] = Nucleus(name, _round(rng, box, g * min(1.0, 0.3 + 0.72 * share**0.65), 0.07), 0.8 * g, 0.24, 1.1)
    for name in _METACARPALS[view]:
        shafts[name] = _metacarpal(name, view, age, g, rng)
    return _with_skin(view, age, g, shafts, nuclei, rng)


def _with_skin(
    view: View, age: float, g: float, shafts: dict[str, Shaft], nuclei: dict[str, Nucleus], rng: np.random.Generator
) -> Skeleton:
    y = np.arange(-130, 170, 2.0)
    stations = [-130, -95, -60, -40, -20, 0, 25, 60, 170]
    plump = rng.normal(1, 0.06) * np.interp(age, [1, 6, 16], [1.14, 1.06, 1.0])
    if view == "ap":
        left = np.interp(y, stations, [-40, -39, -36, -33, -29, -28, -29, -32, -38])
        right = np.interp(y, stations, [40, 38, 36, 40, 36, 31, 31, 35, 41])
        thumb = np.array([[24, -22], [34, -28], [48, -48], [66, -74], [84, -100], [66, -112], [48, -86], [30, -54.0]])
        thick = 34.0
    else:
        left = np.interp(y, stations, [-13, -13, -13, -13.5, -15, -17, -20, -25, -34])
        right = np.interp(y, stations, [17, 19, 24, 25, 21, 19, 22, 27, 35])
        thumb = np.array([[10, -26], [20, -28], [34, -46], [50, -76], [64, -106], [46, -112], [30, -84], [14, -54.0]])
        thick = 46.0
    wobble = np.zeros_like(y)
    for period in (9.0, 17.0, 31.0):
        wobble += rng.normal(0, 0.5) * np.sin(y / period + rng.uniform(0, 6))
    kernel = np.hanning(13) / np.hanning(13).sum()
    left = np.convolve(np.pad(left, 6, "edge"), kernel, "valid") * plump + wobble
    right = np.convolve(np.pad(right, 6, "edge"), kernel, "valid") * plump + wobble[::-1]
    thickness = thick * (0.3 + 0.7 * g) * plump
    return Skeleton(view, age, g, shafts, nuclei, y * g, left * g, right * g, thumb * g, thickness)


def half_width(shaft: Shaft, y: Floats) -> Floats:
    """Return half the width (mm) of a shaft at positions along its own axis."""
    return np.asarray(np.interp(y, shaft.along, (shaft.right - shaft.left) / 2), np.float32)
