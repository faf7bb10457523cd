"""What a detector found in some samples, and what is there; in source pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from carpal.detection.detector import Detector
from carpal.detection.postprocess import Detections
from carpal.imaging.readers import read
from carpal_training.data.dataset import Sample
from carpal_training.evaluation.metrics import Ranked, Truth, rank
from carpal_training.evaluation.operating_points import image_probabilities

FLOOR = 0.001
"""Probability from which detections are kept: below it nothing moves an average precision noticeably."""


class Findings:
    """Detections and truths, image by image.

    Attributes:
        found, truths: in the order of the samples, in one frame.
        classes: names in the order of the numbers.
        samples: what was looked at; empty where only the figures matter.
        sizes: (width, height) of each image, in px.
    """

    def __init__(
        self,
        found: Sequence[Detections],
        truths: Sequence[Truth],
        classes: tuple[str, ...],
        samples: Sequence[Sample] = (),
        sizes: Sequence[tuple[int, int]] = (),
    ) -> None:
        self.found, self.truths, self.classes, self.samples, self.sizes = found, truths, classes, samples, sizes

    @property
    def ranked(self) -> list[Ranked]:
        """Detections of each class, matched."""
        return rank(self.found, self.truths, len(self.classes))

    def presence(self, index: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """For each image: the class's strongest probability (0 where nothing was found), and whether it is there."""
        present = np.array([bool((truth.classes == index).any()) for truth in self.truths])
        return image_probabilities(self.found, index), present


def look(
    detector: Detector, samples: Sequence[Sample], *, threads: int = 2, advance: Callable[[], object] = lambda: None
) -> Findings:
    """Run the detector over samples, in their order; with one thread a call in the engine, several threads pay best."""

    def one(sample: Sample) -> tuple[Detections, Truth, tuple[int, int]]:
        radiograph = read(sample.image)
        found = detector.detections(radiograph, floor=FLOOR)
        advance()
        size = (radiograph.width, radiograph.height)
        return found, Truth(sample.boxes_px(*size), sample.classes), size

    with ThreadPoolExecutor(threads) as pool:
        looked = list(pool.map(one, samples))
    return Findings(
        [found for found, _, _ in looked],
        [truth for _, truth, _ in looked],
        detector.manifest.classes,
        samples,
        [size for _, _, size in looked],
    )
