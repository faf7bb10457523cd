"""The worst failures as pictures: the surest false alarms, and the instances that were missed most clearly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from carpal.imaging.geometry import iou
from carpal.imaging.preprocess import PercentileStretch
from carpal.imaging.readers import read
from carpal.reports.blocks import Figure, Photo, Source
from carpal_training.data.dataset import Sample
from carpal_training.evaluation.findings import Findings

TOUCHING = 0.1
"""A false alarm overlaps no instance of its class by more than this: what is only badly placed is no alarm."""
_WIDTH_PX, _QUALITY = 300, 80
_WANTED, _SAID = (120, 220, 120), (80, 160, 255)  # blue, green, red: green for what is there, orange for what was said


@dataclass(frozen=True)
class Failure:
    """One false alarm or miss, in source pixels."""

    kind: Literal["false alarm", "miss"]
    label: str
    probability: float
    box: NDArray[np.float64]
    place: int


def worst(findings: Findings, thresholds: Mapping[str, float], apart: Sequence[str], most: int) -> list[Failure]:
    """At most so many false alarms (the surest first) and misses (those of which least was said first).

    A miss is an instance that no finding of its class from the high-sensitivity point on touches.
    """
    alarms: list[Failure] = []
    misses: list[Failure] = []
    for place, (detections, truth) in enumerate(zip(findings.found, findings.truths, strict=True)):
        for index, name in enumerate(findings.classes):
            if name in apart:
                continue
            chosen = detections.take(detections.classes == index)
            wanted = truth.boxes[truth.classes == index]
            overlaps = iou(chosen.boxes, wanted)
            reported = chosen.probabilities >= thresholds[name]
            free = reported & (overlaps.max(axis=1, initial=0.0) <= TOUCHING)
            alarms += [
                Failure("false alarm", name, float(chosen.probabilities[i]), chosen.boxes[i], place)
                for i in np.flatnonzero(free)
            ]
            heard = (overlaps * reported[:, None]).max(axis=0, initial=0.0)
            for i in np.flatnonzero(heard <= TOUCHING):
                near = chosen.probabilities[overlaps[:, i] > TOUCHING].max(initial=0.0)
                misses.append(Failure("miss", name, float(near), wanted[i], place))
    alarms.sort(key=lambda one: -one.probability)
    misses.sort(key=lambda one: one.probability)
    return [*alarms[:most], *misses[:most]]


def pictures(failures: Sequence[Failure], findings: Findings, source: Source) -> tuple[Figure, ...]:
    """Each failure on its radiograph: in green what is there, in orange what was said, thick the failure itself."""
    return tuple(_picture(one, findings, source) for one in failures)


def _picture(failure: Failure, findings: Findings, source: Source) -> Figure:
    sample: Sample = findings.samples[failure.place]
    grey, _ = PercentileStretch().apply(read(sample.image).pixels)
    scale = _WIDTH_PX / grey.shape[1]
    size = (_WIDTH_PX, max(1, round(grey.shape[0] * scale)))
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    canvas = np.repeat(np.asarray(small, np.uint8)[:, :, None], 3, axis=2)
    index = findings.classes.index(failure.label)
    truth = findings.truths[failure.place]
    for box in truth.boxes[truth.classes == index]:
        _outline(canvas, box * scale, _WANTED, 1)
    _outline(canvas, failure.box * scale, _WANTED if failure.kind == "miss" else _SAID, 3)
    _, body = cv2.imencode(".jpg", canvas, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    said = (
        f"{failure.label} {failure.probability:.2f}, where there is none"
        if failure.kind == "false alarm"
        else f"{failure.label} missed; the strongest box on it has {failure.probability:.2f}"
    )
    caption = f"{failure.kind}: {said} ({sample.stem})"
    return Figure(Photo(body.tobytes(), "image/jpeg", caption, *size), caption, source)


def _outline(canvas: NDArray[np.uint8], box: NDArray[np.float64], colour: tuple[int, int, int], thickness: int) -> None:
    """Around the box, not on what is in it."""
    x0, y0, x1, y1 = (round(value) for value in box.tolist())
    cv2.rectangle(canvas, (x0 - thickness, y0 - thickness), (x1 + thickness, y1 + thickness), colour, thickness)
