"""Draw one phantom: anatomy, findings, exposure, marker; with the boxes of what was drawn."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from carpal.phantoms.anatomy import Skeleton, View, rotation, skeleton
from carpal.phantoms.attenuation import Film, add_nucleus, add_shaft, add_soft_tissue, textures
from carpal.phantoms.canvas import Box, Canvas, Mark, Points
from carpal.phantoms.cast import cast_layer
from carpal.phantoms.classes import CLASS_NAMES
from carpal.phantoms.exposure import Beam, expose, field_depth_px, sample_beam
from carpal.phantoms.marker import draw_markers
from carpal.phantoms.sampling import Prevalence
from carpal.phantoms.streams import stream
from carpal.phantoms.study import VIEWS, Study, study_of
from carpal.phantoms.tissue import darken, fat_stripe

LabelBox = tuple[int, float, float, float, float]


@dataclass(frozen=True)
class PhantomMeta:
    """What is known of a phantom beside pixels and boxes; outlines by class and the forearm's axis are in pixels."""

    stem: str
    study: Study
    view: int
    pixel_spacing_mm: float
    outlines: tuple[tuple[int, Points], ...]
    axis: Points


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

    `without` leaves out findings of the named classes and changes nothing else: a difference shows what they drew.
    """
    number, which = divmod(index, len(VIEWS))
    study = study_of(seed, number, prevalence)
    return draw_view(seed, study, which, size_px, without)


def draw_view(seed: int, study: Study, which: int, size_px: int, without: Collection[str] = ()) -> PhantomImage:
    """Return one view of a study, size_px high."""

    def part(*key: int) -> np.random.Generator:
        return stream(seed, 4, study.number, which, *key)

    body, canvas = _posed(seed, study, which, size_px)
    shown = [(i, f) for i, (f, views) in enumerate(study.findings) if views[which] and f.kind not in without]
    for _, finding in shown:
        finding.shape(body)
    film = Film(canvas, body, canvas.blank(), canvas.blank(), canvas.blank(), textures(seed), part(3))
    add_soft_tissue(film)
    for k, bone in enumerate(body.shafts.values()):
        film.rng = part(4, k)
        add_shaft(film, bone, study.osteopenia)
    for k, nucleus in enumerate(body.nuclei.values()):
        film.rng = part(5, k)
        add_nucleus(film, nucleus, study.osteopenia)
    if body.view == "lateral" and not any(f.kind == "pronatorsign" for _, f in shown):
        darken(film, fat_stripe(body, 7, 26, 1.6, 0.0), 0.9 * body.size, 0.12)
    raw: list[tuple[str, Mark]] = []
    for i, finding in shown:
        film.rng = part(1, i, 1)
        raw += [(finding.kind, mark) for mark in finding.paint(film)]
    beam = sample_beam(part(6))
    layer, texts = draw_markers(film, beam, study.patient.side, part(7))
    if "text" in without:
        layer, texts = canvas.blank(), []
    raw += [("text", mark) for mark in texts]
    cast = cast_layer(film, part(8)) if study.cast else None
    pixels = expose(film, beam, cast, layer, part(9))
    seen = [(CLASS_NAMES.index(kind), box, mark) for kind, mark in raw if (box := _visible(mark.box, canvas, beam))]
    outlines = tuple((c, mark.outline) for c, _, mark in seen if mark.outline is not None)
    radius = body.shafts["radius"]
    ends = np.array([[sum(radius.at(y)) / 2, y] for y in (55.0 * body.size, float(radius.along[0]))])
    axis = canvas.px(radius.place(ends))
    meta = PhantomMeta(study.stem(which), study, which, _spacing_mm(canvas), outlines, axis)
    return PhantomImage(pixels, tuple((c, *box) for c, box, _ in seen), meta)


def spacing_mm(seed: int, study: Study, which: int, size_px: int) -> float:
    """Return the millimetres of anatomy per pixel of one view, three decimals, without drawing it."""
    return _spacing_mm(_posed(seed, study, which, size_px)[1])


def _spacing_mm(canvas: Canvas) -> float:
    return round(1 / canvas.px_per_mm, 3)


def _posed(seed: int, study: Study, which: int, size_px: int) -> tuple[Skeleton, Canvas]:
    body = skeleton(study.age, VIEWS[which], stream(seed, 4, study.number, which, 0))
    rng = stream(seed, 4, study.number, which, 2)
    return body, _frame(body.view, body.size, study.patient.side, size_px, rng)


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


def _visible(box: Box, canvas: Canvas, beam: Beam) -> Box | None:
    """Return the part of a box within the frame and the collimated field, or None when under a third remains."""
    low = np.maximum(np.floor(box[:2]), 0.0)
    high = np.minimum(np.ceil(box[2:]), [canvas.width, canvas.height])
    (x0, y0), (x1, y1) = low.tolist(), high.tolist()
    if x1 - x0 < 2 or y1 - y0 < 2:
        return None
    part = field_depth_px(canvas, beam)[int(y0) : int(np.ceil(y1)), int(x0) : int(np.ceil(x1))] > 0
    rows, cols = np.flatnonzero(part.any(axis=1)), np.flatnonzero(part.any(axis=0))
    if len(rows) == 0:
        return None
    x0, x1 = max(x0, int(x0) + float(cols[0])), min(x1, int(x0) + float(cols[-1]) + 1)
    y0, y1 = max(y0, int(y0) + float(rows[0])), min(y1, int(y0) + float(rows[-1]) + 1)
    whole = (box[2] - box[0]) * (box[3] - box[1])
    if (x1 - x0) * (y1 - y0) < whole / 3:
        return None
    return x0, y0, x1, y1
