"""The burned-in side marker: letters of metal on a plastic holder, laid beside the wrist."""

import cv2
import numpy as np
from numpy.typing import NDArray

from carpal.phantoms.anatomy import rotation
from carpal.phantoms.attenuation import Film
from carpal.phantoms.canvas import Floats, Mark, Points
from carpal.phantoms.exposure import Beam, field_depth_px

# Strokes of a letter one unit high, x to the right and y down.
_LETTERS: dict[str, list[list[tuple[float, float]]]] = {
    "L": [[(0, 0), (0, 1), (0.62, 1)]],
    "R": [[(0, 1), (0, 0), (0.5, 0), (0.62, 0.14), (0.62, 0.36), (0.5, 0.5), (0, 0.5)], [(0.3, 0.5), (0.64, 1)]],
    "A": [[(0, 1), (0.32, 0), (0.64, 1)], [(0.12, 0.64), (0.52, 0.64)]],
    "7": [[(0, 0), (0.6, 0), (0.2, 1)]],
    "4": [[(0.45, 1), (0.45, 0), (0, 0.66), (0.64, 0.66)]],
}


def draw_markers(film: Film, beam: Beam, side: str, rng: np.random.Generator) -> tuple[Floats, list[Mark]]:
    """Draw the side marker, at times a second letter, on free air; return the layer of grey and the extents."""
    canvas = film.canvas
    layer = canvas.blank()
    field = field_depth_px(canvas, beam)
    marks: list[Mark] = []
    letters = [side] + ([("A", "7", "4")[int(rng.integers(0, 3))]] if rng.uniform() < 0.17 else [])
    taken = canvas.blank()
    for letter in letters:
        high = canvas.height * rng.uniform(0.058, 0.085)
        high = min(high, canvas.width * 0.16)
        thick = high * rng.uniform(0.15, 0.22)
        turn = rotation(rng.normal(0, 7))
        strokes = [(np.array(s) * high) @ turn.T for s in _LETTERS[letter]]
        low = np.vstack(strokes).min(axis=0) - thick / 2 - 1
        span = np.vstack(strokes).max(axis=0) + thick / 2 + 1 - low
        spot = _free_spot(film, field, taken, span, rng)
        mask = np.zeros(layer.shape, np.uint8)
        for stroke in strokes:
            points = np.round((stroke - low + spot) * 16).astype(np.int32)
            cv2.polylines(mask, [points], False, 255, max(1, round(thick)), cv2.LINE_AA, 4)
        layer = np.maximum(layer, (mask * np.float32(rng.uniform(0.74, 0.96) / 255)).astype(np.float32))
        x, y, w, h = cv2.boundingRect((mask > 100).astype(np.uint8))
        taken[y : y + h, x : x + w] = 1
        # The marker sits on a plastic holder, a touch denser than air.
        x0, y0 = max(0, int(x - 0.5 * w)), max(0, int(y - 0.9 * h))
        film.soft[y0 : y + int(1.25 * h), x0 : x + int(1.6 * w)] += 2.2
        marks.append(Mark((float(x), float(y), float(x + w), float(y + h))))
    return layer, marks


def _free_spot(film: Film, field: Floats, taken: Floats, span: Points, rng: np.random.Generator) -> Points:
    """Return the top left corner for a marker: the least covered of some random places inside the field."""
    canvas = film.canvas
    corners = rng.uniform(0, 1, (60, 2)) * np.maximum(np.array([canvas.width, canvas.height]) - span, 1)
    load = film.mineral * 4 + film.soft + taken * 1e4 + film.metal * 1e3
    total = np.asarray(cv2.integral(load, sdepth=cv2.CV_64F), np.float64)
    outside = np.asarray(cv2.integral((field < 3).astype(np.float32), sdepth=cv2.CV_64F), np.float64)
    best, least = corners[0], np.inf
    for corner in corners:
        cost = _mean(total, corner, span) + 400 * _mean(outside, corner, span) + 3 * rng.uniform()
        if cost < least:
            best, least = corner, cost
    return np.asarray(best, np.float64)


def _mean(table: NDArray[np.float64], corner: Points, span: Points) -> float:
    """Return the mean over a rectangle from its summed-area table."""
    (x0, y0), (x1, y1) = (tuple(map(int, at)) for at in (corner, corner + span))
    area = max(1, (x1 - x0) * (y1 - y0))
    total = float(table[y1, x1]) - float(table[y0, x1]) - float(table[y1, x0]) + float(table[y0, x0])
    return total / area
