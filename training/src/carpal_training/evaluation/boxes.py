"""What boxes are worth beyond an average precision: intervals, overlap, false alarms, confusion, calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from carpal.document import Document
from carpal.imaging.geometry import iou
from carpal.packages.manifest import Calibration
from carpal.records.record import Probability
from carpal_training.evaluation.bootstrap import average_precisions, draw_patients, match_class, mean_over_classes
from carpal_training.evaluation.calibration import CalibrationFigures, measure
from carpal_training.evaluation.cases import owners_of
from carpal_training.evaluation.findings import Findings
from carpal_training.evaluation.metrics import THRESHOLDS, Ranked, best_f1
from carpal_training.evaluation.reading import Interval, interval

Count = Annotated[int, Field(ge=0)]
FALSE_ALARMS = (0.05, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0)
"""False alarms an image at which the FROC is read."""


class FrocPoint(Document):
    """The best sensitivity for boxes (IoU 0.5) at no more than so many false alarms an image."""

    false_alarms_an_image: float
    sensitivity: Probability
    threshold: Probability | None = Field(description="null where no finding is reported at this point")


class ClassBoxes(Document):
    """One class; null and empty where the part has no instance of it."""

    ap50: Interval
    ap50_95: Interval
    mean_iou: Probability | None = Field(description="of findings from the high-sensitivity point on that are right")
    froc: tuple[FrocPoint, ...]
    calibration: CalibrationFigures


class Confusion(Document):
    """Findings from the high-sensitivity point on, paired with instances of any class at IoU 0.5, best first."""

    classes: tuple[str, ...] = Field(description="the last row and column are the background")
    counts: tuple[tuple[Count, ...], ...] = Field(
        description="[what is there][what was found]; last row: false alarms, last column: misses"
    )


class BoxFigures(Document):
    """Figures of boxes with 95 % intervals by patient."""

    draws: Count
    seed: int
    patients: Count
    map50: Interval
    map50_95: Interval
    apart: tuple[str, ...] = Field(description="classes that mark an image and are no findings")
    map50_without_apart: Interval
    map50_95_without_apart: Interval
    precision: Probability | None = Field(description="mean over averaged classes, each at its best F1, IoU 0.5")
    recall: Probability | None
    f1: Probability | None
    classes: dict[str, ClassBoxes]
    confusion: Confusion


def box_figures(
    findings: Findings,
    thresholds: Mapping[str, float],
    calibration: Mapping[str, Calibration],
    *,
    apart: Sequence[str] = ("text",),
    draws: int = 2000,
    seed: int = 0,
) -> BoxFigures:
    """All of them.

    Args:
        findings: with their samples, which say whose the images are.
        thresholds: the high-sensitivity point of each class.
        calibration: of the package; a class may have none.
        apart: classes without which the means are given too.
        draws, seed: of the bootstrap by patient.
    """
    owners, patients = owners_of([sample.exam for sample in findings.samples])
    weights = np.concatenate([np.ones((1, patients), np.int64), draw_patients(patients, draws, seed)])
    matched = [match_class(findings.found, findings.truths, owners, i) for i in range(len(findings.classes))]
    values = np.array([average_precisions(one, weights) for one in matched])  # [classes, 2, 1 + draws]
    ranked = findings.ranked
    best = [best_f1(one) for one in ranked if one.instances]
    keep = np.array([name not in apart for name in findings.classes])
    overlaps = mean_overlaps(findings, thresholds)
    precision, recall, f1 = np.mean([one[:3] for one in best], axis=0).tolist() if best else (None, None, None)
    return BoxFigures(
        draws=draws,
        seed=seed,
        patients=patients,
        map50=_mean(values[:, 0]),
        map50_95=_mean(values[:, 1]),
        apart=tuple(name for name in findings.classes if name in apart),
        map50_without_apart=_mean(values[keep, 0]),
        map50_95_without_apart=_mean(values[keep, 1]),
        precision=precision,
        recall=recall,
        f1=f1,
        classes={
            name: ClassBoxes(
                ap50=interval(values[index, 0, 0], values[index, 0, 1:]),
                ap50_95=interval(values[index, 1, 0], values[index, 1, 1:]),
                mean_iou=overlaps[name],
                froc=froc(ranked[index], len(findings.truths)),
                calibration=measure(ranked[index], calibration.get(name)),
            )
            for index, name in enumerate(findings.classes)
        },
        confusion=confuse(findings, thresholds),
    )


def froc(ranked: Ranked, images: int) -> tuple[FrocPoint, ...]:
    """Sensitivity at the points of FALSE_ALARMS; empty without an instance.

    A point is only read where a threshold ends, so that findings of equal probability come together.
    """
    if not ranked.instances:
        return ()
    ends = np.flatnonzero(np.diff(ranked.probabilities, append=-1.0) < 0)
    alarms = np.cumsum(~ranked.hits[0])[ends] / images
    sensitivity = np.cumsum(ranked.hits[0])[ends] / ranked.instances
    points = []
    for most in FALSE_ALARMS:
        within = int(np.searchsorted(alarms, most + 1e-12, side="right"))
        points.append(
            FrocPoint(
                false_alarms_an_image=most,
                sensitivity=float(sensitivity[within - 1]) if within else 0.0,
                threshold=float(ranked.probabilities[ends[within - 1]]) if within else None,
            )
        )
    return tuple(points)


def mean_overlaps(findings: Findings, thresholds: Mapping[str, float]) -> dict[str, float | None]:
    """Mean IoU of the right findings of each class, each with the instance that it overlaps most."""
    found: dict[str, list[float]] = {name: [] for name in findings.classes}
    for detections, truth in zip(findings.found, findings.truths, strict=True):
        for index, name in enumerate(findings.classes):
            chosen = (detections.classes == index) & (detections.probabilities >= thresholds[name])
            wanted = truth.boxes[truth.classes == index]
            if chosen.any() and len(wanted):
                best = iou(detections.boxes[chosen], wanted).max(axis=1)
                found[name] += best[best >= THRESHOLDS[0]].tolist()
    return {name: float(np.mean(values)) if values else None for name, values in found.items()}


def confuse(findings: Findings, thresholds: Mapping[str, float]) -> Confusion:
    """Which class was taken for which."""
    size = len(findings.classes)
    limits = np.array([thresholds[name] for name in findings.classes])
    counts = np.zeros((size + 1, size + 1), np.int64)
    for detections, truth in zip(findings.found, findings.truths, strict=True):
        chosen = np.flatnonzero(detections.probabilities >= limits[detections.classes])
        there, found = truth.classes, detections.classes[chosen]
        taken, used = _pairs(iou(truth.boxes, detections.boxes[chosen]))
        np.add.at(counts, (there[taken], found[used]), 1)
        counts[:size, size] += np.bincount(np.delete(there, taken), minlength=size)
        counts[size, :size] += np.bincount(np.delete(found, used), minlength=size)
    return Confusion(classes=findings.classes, counts=tuple(map(tuple, counts.tolist())))


def _pairs(overlaps: NDArray[np.float64]) -> tuple[list[int], list[int]]:
    """Rows and columns of pairs from 0.5 on, the best overlap first, each row and column once."""
    rows, columns = np.nonzero(overlaps >= THRESHOLDS[0])
    order = np.argsort(-overlaps[rows, columns], kind="stable")
    taken: list[int] = []
    used: list[int] = []
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if row not in taken and column not in used:
            taken.append(row)
            used.append(column)
    return taken, used


def _mean(values: NDArray[np.float64]) -> Interval:
    """Over the classes that the whole part has an instance of; of [classes, 1 + draws] the first is the whole."""
    own = values[~np.isnan(values[:, 0])]
    if not len(own):
        return Interval(value=None)
    means = mean_over_classes(own)
    return interval(float(means[0]), means[1:])
