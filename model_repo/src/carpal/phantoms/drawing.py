"""Draw one phantom: anatomy, findings, exposure, marker; with the boxes of what was drawn."""

from collections.abc import Collection
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from carpal.phantoms.anatomy import View, rotation, skeleton
from carpal.phantoms.attenuation import Film, add_nucleus, add_shaft, add_soft_tissue, textures
from carpal.phantoms.canvas import Box, Canvas, Floats
from carpal.phantoms.classes import CLASS_NAMES
from carpal.phantoms.exposure import Beam, cast_layer, expose, inside_mm, sample_beam
from carpal.phantoms.streams import stream
from carpal.phantoms.study import VIEWS, Prevalence, Study, study_of
from carpal.phantoms.tissue import darken, fat_stripe

LabelBox = tuple[int, float, float, float, float]


@dataclass(frozen=True)
class PhantomMeta:
    """What is known of a phantom beside its pixels and boxes."""

    stem: str
    study: Study
    view: int
    pixel_spacing_mm: float


@dataclass(frozen=True)
class PhantomImage:
    """One view: pixels uint16 (H, W), boxes (class index, x0, y0, x1, y1) in pixels, and what it shows."""

    pixels: NDArray[np.uint16]
    boxes: tuple[LabelBox, ...]
    meta: PhantomMeta


def draw(
    seed: int, index: int, *, size_px: int = 640, prevalence: Prevalence = "balanced", without: Collection[str] = ()
) -> PhantomImage:
    """Return image `index` of a seed: view `index % 2` of study `index // 2`.

    `without` leaves out findings of the named classes and changes nothing else, so that a difference shows what they drew.
    """
    number, which = divmod(index, len(VIEWS))
    study = study_of(seed, number, prevalence)
    return draw_view(seed, study, which, size_px, without)


def draw_view(seed: int, study: Study, which: int, size_px: int, without: Collection[str] = ()) -> PhantomImage:
    """Return one view of a study, size_px high."""

    def part(*key: int) -> np.random.Generator:
        return stream(seed, 4, study.number, which, *key)

    view = VIEWS[which]
    body = skeleton(study.age, view, part(0))
    shown = [(i, f) for i, (f, views) in enumerate(study.findings) if views[which] and f.kind not in without]
    for i, finding in shown:
        finding.shape(body, part(1, i, 0))
    canvas = _frame(view, body.size, study.patient.side, size_px, part(2))
    film = Film(canvas, body, canvas.blank(), canvas.blank(), canvas.blank(), textures(seed), part(3))
    add_soft_tissue(film)
    for k, bone in enumerate(body.shafts.values()):
        film.rng = part(4, k)
        add_shaft(film, bone, study.osteopenia)
    for k, nucleus in enumerate(body.nuclei.values()):
        film.rng = part(5, k)
        add_nucleus(film, nucleus, study.osteopenia)
    if view == "lateral" and not any(f.kind == "pronatorsign" for _, f in shown):
        darken(film, fat_stripe(body, 7, 26, 1.6, 0.0), 0.9 * body.size, 0.12)
    raw: list[tuple[str, Box]] = []
    for i, finding in shown:
        film.rng = part(1, i, 1)
        raw += [(finding.kind, box) for box in finding.paint(film)]
    beam = sample_beam(part(6))
    labels, text_boxes = _markers(film, beam, study.patient.side, part(7))
    if "text" not in without:
        raw += [("text", box) for box in text_boxes]
    else:
        labels = canvas.blank()
    cast = _cast(film, part(8)) if study.cast else None
    pixels = expose(film, beam, cast, labels, part(9))
    boxes = [(CLASS_NAMES.index(kind), *clipped) for kind, box in raw if (clipped := _visible(box, canvas, beam))]
    spacing = round(1 / canvas.px_per_mm, 3)
    return PhantomImage(pixels, tuple(boxes), PhantomMeta(study.stem(which), study, which, spacing))


def _frame(view: View, g: float, side: str, size_px: int, rng: np.random.Generator) -> Canvas:
    high_mm = 130 * g**0.72 * rng.uniform(0.90, 1.14)
    aspect = rng.uniform(0.60, 0.80) if view == "ap" else rng.uniform(0.46, 0.64)
    width = round(size_px * aspect)
    scale = size_px / high_mm
    mirror = 1.0 if side == "L" else -1.0
    linear = rotation(rng.normal(0, 3.5)) @ np.diag([mirror, 1.0]) * scale
    middle = np.array([width * rng.uniform(0.46, 0.54), size_px * rng.uniform(0.42, 0.54)])
    anchor = np.array([0.0, 0.0]) if view == "ap" else np.array([3.0, 0.0])
    return Canvas(size_px, width, np.column_stack([linear, middle - linear @ (anchor * g)]))


_LETTERS: dict[str, list[list[tuple[float, float]]]] = {
    "L": [[(0, 0), (0, 1), (0.62, 1)]],
    "R": [[(0, 1), (0, 0), (0.5, 0), (0.62, 0.14), (0.62, 0.36), (0.5, 0.5), (0, 0.5)], [(0.3, 0.5), (0.64, 1)]],
    "A": [[(0, 1), (0.32, 0), (0.64, 1)], [(0.12, 0.64), (0.52, 0.64)]],
    "7": [[(0, 0), (0.6, 0), (0.2, 1)]],
    "4": [[(0.45, 1), (0.45, 0), (0, 0.66), (0.64, 0.66)]],
}


def _markers(film: Film, beam: Beam, side: str, rng: np.random.Generator) -> tuple[Floats, list[Box]]:
    """Draw the side marker, at times a second letter, on free air; return the layer of grey and the boxes."""
    canvas = film.canvas
    layer = canvas.blank()
    field = inside_mm(canvas, beam)
    boxes: list[Box] = []
    letters = [side] + ([("A", "7", "4")[int(rng.integers(0, 3))]] if rng.uniform() < 0.17 else [])
    taken = canvas.blank()
    for letter in letters:
        high = canvas.height * rng.uniform(0.058, 0.085)
        high, thick = min(high, canvas.width * 0.16), 0.0
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
        boxes.append((float(x), float(y), float(x + w), float(y + h)))
    return layer, boxes


def _free_spot(
    film: Film, field: Floats, taken: Floats, span: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the top left corner for a marker: the least covered of some random places inside the field."""
    canvas = film.canvas
    corners = rng.uniform(0, 1, (60, 2)) * np.maximum(np.array([canvas.width, canvas.height]) - span, 1)
    load = film.mineral * 4 + film.soft + taken * 1e4 + film.metal * 1e3
    total = cv2.integral(load, sdepth=cv2.CV_64F)
    out = cv2.integral((field < 3).astype(np.float32), sdepth=cv2.CV_64F)
    best, least = corners[0], np.inf
    for x, y in corners:
        x0, y0, x1, y1 = int(x), int(y), int(x + span[0]), int(y + span[1])
        area = max(1, (x1 - x0) * (y1 - y0))

        def mean(table: NDArray[np.float64], x0: int = x0, y0: int = y0, x1: int = x1, y1: int = y1, area: int = area) -> float:
            return float(table[y1, x1] - table[y0, x1] - table[y1, x0] + table[y0, x0]) / area

        cost = mean(total) + 400 * mean(out) + 3 * rng.uniform()
        if cost < least:
            best, least = np.array([x, y]), cost
    return best


def _cast(film: Film, rng: np.random.Generator) -> Floats:
    """Return the cast's layer: a sleeve around the forearm and the hand, at times open along one side."""
    canvas, body = film.canvas, film.skeleton
    g = body.size
    skin = body.skin()
    middle = (body.skin_left + body.skin_right) / 2
    gap = rng.uniform(3, 6) * g
    sleeve = np.vstack([
        np.column_stack([np.minimum(body.skin_left - gap, middle), body.skin_y]),
        np.column_stack([body.skin_right + gap, body.skin_y])[::-1],
    ])  # fmt: skip
    keep = (sleeve[:, 1] > -58 * g) | (len(skin) == 0)
    mask = canvas.blank()
    patch = canvas.fill(sleeve[keep])
    if patch is not None:
        mask[patch.where] = patch.cover
    return cast_layer(canvas, film.textures, mask, float(rng.uniform(7, 13)), film.shift())


def _visible(box: Box, canvas: Canvas, beam: Beam) -> Box | None:
    """Return the part of a box within the frame and the collimated field, or None when under a third remains."""
    x0, y0, x1, y1 = max(0.0, box[0]), max(0.0, box[1]), min(float(canvas.width), box[2]), min(float(canvas.height), box[3])
    if x1 - x0 < 2 or y1 - y0 < 2:
        return None
    part = inside_mm(canvas, beam)[int(y0) : int(np.ceil(y1)), int(x0) : int(np.ceil(x1))] > 0
    rows, cols = np.flatnonzero(part.any(axis=1)), np.flatnonzero(part.any(axis=0))
    if len(rows) == 0:
        return None
    x0, x1 = max(x0, int(x0) + float(cols[0])), min(x1, int(x0) + float(cols[-1]) + 1)
    y0, y1 = max(y0, int(y0) + float(rows[0])), min(y1, int(y0) + float(rows[-1]) + 1)
    whole = (box[2] - box[0]) * (box[3] - box[1])
    if (x1 - x0) * (y1 - y0) < whole / 3:
        return None
    return x0, y0, x1, y1
