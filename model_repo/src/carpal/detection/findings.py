"""From detections to what the record says: which are reported, what each is called, what the image says as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from carpal.detection.calibration import calibrate
from carpal.detection.options import DetectOptions
from carpal.detection.postprocess import Detections
from carpal.packages.manifest import Manifest
from carpal.records.record import Box, BoxMm, Conclusion, Finding, PixelSpacing

# A thousandth of a pixel and a millionth of a probability: finer than any engine agrees with another.
_BOX_DIGITS = 3
_PROBABILITY_DIGITS = 6


def reporting_thresholds(manifest: Manifest, options: DetectOptions) -> list[float]:
    """From which probability on a finding is reported, one value a class in the manifest's order."""
    if options.threshold is not None:
        return [options.threshold] * len(manifest.classes)
    points = [manifest.operating_points[label] for label in manifest.classes]
    if options.operating_point == "high-specificity":
        return [point.high_specificity.threshold for point in points]
    return [point.high_sensitivity.threshold for point in points]


def report(
    detections: Detections,
    manifest: Manifest,
    thresholds: Sequence[float],
    spacing: PixelSpacing | None,
    most: int | None = None,
) -> tuple[Finding, ...]:
    """The findings at or above the threshold of their class, strongest first.

    Args:
        detections: in source pixels, strongest first.
        manifest: class names and operating points.
        thresholds: one a class.
        spacing: gives sizes in mm where it is known.
        most: keep this many.
    """
    probabilities = np.round(detections.probabilities, _PROBABILITY_DIGITS)
    chosen = np.flatnonzero(probabilities >= np.asarray(thresholds)[detections.classes])[:most]
    return tuple(
        _finding(detections.boxes[index].tolist(), float(probabilities[index]), label, manifest, spacing)
        for index, label in ((index, manifest.classes[detections.classes[index]]) for index in chosen)
    )


def conclude(findings: Sequence[Finding], manifest: Manifest, thresholds: Sequence[float]) -> tuple[Conclusion, ...]:
    """One conclusion a class of the model, from the strongest reported finding of the class.

    Args:
        findings: what is reported, strongest first.
        manifest: class names.
        thresholds: from which probability on a finding was reported, one a class.
    """
    strongest: dict[str, Finding] = {}
    for finding in findings:  # strongest first, so the first of a class stays
        strongest.setdefault(finding.label, finding)
    return tuple(
        Conclusion(label=label, status=found.status, probability=found.probability, threshold=threshold)
        if (found := strongest.get(label))
        else Conclusion(label=label, status="absent", probability=0.0, threshold=threshold)
        for label, threshold in zip(manifest.classes, thresholds, strict=True)
    )


def _finding(
    box: Sequence[float], probability: float, label: str, manifest: Manifest, spacing: PixelSpacing | None
) -> Finding:
    x0, y0, x1, y1 = (round(value, _BOX_DIGITS) for value in box)
    confirmed = probability >= manifest.operating_points[label].high_specificity.threshold
    status: Literal["confirmed", "possible"] = "confirmed" if confirmed else "possible"
    size = BoxMm(width=(x1 - x0) * spacing.column_mm, height=(y1 - y0) * spacing.row_mm) if spacing else None
    known = manifest.calibration.get(label)
    return Finding(
        label=label,
        box=Box(x0=x0, y0=y0, x1=x1, y1=y1),
        size_mm=size,
        probability=probability,
        calibrated_probability=round(calibrate(probability, known), _PROBABILITY_DIGITS) if known else None,
        status=status,
    )
