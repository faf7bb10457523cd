"""Results of a package on single images: findings as the service reports them, and a picture of each image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from carpal.detection.detector import Detector
from carpal.detection.options import DetectOptions
from carpal.detection.postprocess import Detections
from carpal.errors import ImageError
from carpal.imaging.radiograph import Grey, Radiograph
from carpal.imaging.readers import read
from carpal.packages.manifest import OperatingPoints
from carpal.records.record import Box, Finding, Record
from carpal.reports.blocks import Drawing
from carpal.reports.radiograph import draw
from carpal_training.errors import ImageUnreadableError
from carpal_training.evaluation.findings import FLOOR
from carpal_training.evaluation.table_images import TableImage

MAX_PICTURE_PIXELS, MAX_TOTAL_PIXELS = 250_000, 6_000_000
"""Size of one picture, and of all pictures of a report: a report has at most 3 MB."""


@dataclass(frozen=True)
class ImageResult:
    """Result of one image.

    Attributes:
        image: the image and its truth.
        detections: findings of all classes from the floor on, in source pixels.
        size: (width, height) in pixels.
        probability: of the strongest finding of the focus class; 0 if there is none.
        drawing: the image with the reported findings of the focus class.
    """

    image: TableImage
    detections: Detections
    size: tuple[int, int]
    probability: float
    drawing: Drawing

    def status(self, points: OperatingPoints) -> Literal["confirmed", "possible", "not reported"]:
        """What the service reports of the focus class at the operating points of the package."""
        if self.probability < points.high_sensitivity.threshold:
            return "not reported"
        return "confirmed" if self.probability >= points.high_specificity.threshold else "possible"


def run_images(
    detector: Detector,
    images: Sequence[TableImage],
    focus: str,
    *,
    threads: int = 2,
    advance: Callable[[], object] = lambda: None,
) -> list[ImageResult]:
    """Run the detector on each image through the path that serves, in the order of the images.

    Findings of all classes are kept from ``FLOOR`` on, with the rounded probabilities that the service compares with
    the operating points. The table has no boxes, so no finding is left out for its place.

    Raises:
        EngineError: the network does not run.
        ImageUnreadableError: an image cannot be read.
    """
    classes, points = detector.manifest.classes, detector.manifest.operating_points[focus]
    pixels = min(MAX_PICTURE_PIXELS, MAX_TOTAL_PIXELS // max(len(images), 1))

    def run_image(image: TableImage) -> ImageResult:
        radiograph = _read(image)
        record = detector.detect(radiograph, options=DetectOptions(threshold=FLOOR))
        own = [finding for finding in record.findings if finding.label == focus]
        reported = [finding for finding in own if finding.probability >= points.high_sensitivity.threshold]
        result = ImageResult(
            image=image,
            detections=_detections(record.findings, classes),
            size=(radiograph.width, radiograph.height),
            probability=max((finding.probability for finding in own), default=0.0),
            drawing=_draw(radiograph, record, reported, pixels),
        )
        advance()
        return result

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run_image, images))


def _read(image: TableImage) -> Radiograph:
    try:
        return read(image.path, name=image.stem)
    except ImageError as failure:
        raise ImageUnreadableError(
            f"{image.path.name}: {failure.what}", failure.why, "Fetch the file again, or remove it from the folder."
        ) from failure


def _detections(findings: Sequence[Finding], classes: tuple[str, ...]) -> Detections:
    boxes = [(finding.box.x0, finding.box.y0, finding.box.x1, finding.box.y1) for finding in findings]
    return Detections(
        np.array(boxes, dtype=np.float64).reshape(-1, 4),
        np.array([finding.probability for finding in findings], dtype=np.float64),
        np.array([classes.index(finding.label) for finding in findings], dtype=np.int64),
    )


def _draw(radiograph: Radiograph, record: Record, findings: Sequence[Finding], max_pixels: int) -> Drawing:
    """Draw findings on a copy of the image with at most ``max_pixels`` pixels; boxes and spacing are scaled with it."""
    scale = min(1.0, (max_pixels / (radiograph.width * radiograph.height)) ** 0.5)
    width, height = max(1, int(radiograph.width * scale)), max(1, int(radiograph.height * scale))
    pixels: Grey = np.empty((height, width), radiograph.pixels.dtype)
    cv2.resize(radiograph.pixels, (width, height), dst=pixels, interpolation=cv2.INTER_AREA)
    across, down = width / radiograph.width, height / radiograph.height
    spacing = record.source.pixel_spacing
    if spacing is not None:
        update = {"row_mm": spacing.row_mm / down, "column_mm": spacing.column_mm / across}
        spacing = spacing.model_copy(update=update)
    source = record.source.model_copy(update={"pixel_spacing": spacing})
    scaled = tuple(
        finding.model_copy(update={"box": _scaled(finding.box, across=across, down=down)}) for finding in findings
    )
    return draw(
        Radiograph(pixels, source),
        record.model_copy(update={"source": source, "findings": scaled}),
    )


def _scaled(box: Box, *, across: float, down: float) -> Box:
    return Box(x0=box.x0 * across, y0=box.y0 * down, x1=box.x1 * across, y1=box.y1 * down)
