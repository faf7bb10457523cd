"""What a detector found in some samples, and what is there; in source pixels."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
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
        labelled: bool [images, classes]: whether the truth of an image covers a class. Detections of other classes are
            left out of ``found``, because nothing says whether they are right.
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
        self.labelled = np.ones((len(truths), len(classes)), dtype=bool)
        for row, sample in enumerate(samples):
            if sample.labelled is not None:
                self.labelled[row] = np.isin(np.arange(len(classes)), sample.labelled)

    @property
    def labelled_classes(self) -> tuple[str, ...]:
        """Classes that the truth of every image covers."""
        return tuple(name for index, name in enumerate(self.classes) if self.labelled[:, index].all())

    def of_dataset(self, name: str) -> Findings:
        """The findings in the images of one of several datasets."""
        return self.of_datasets([name])

    def of_datasets(self, names: Collection[str]) -> Findings:
        """The findings in the images of some of several datasets."""
        places = [place for place, sample in enumerate(self.samples) if sample.member in names]
        return Findings(
            [self.found[place] for place in places],
            [self.truths[place] for place in places],
            self.classes,
            [self.samples[place] for place in places],
            [self.sizes[place] for place in places],
        )

    @property
    def ranked(self) -> list[Ranked]:
        """Detections of each class, matched."""
        return rank(self.found, self.truths, len(self.classes))

    def presence(self, index: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """The class's strongest probability (0: not found) and whether it is there, for each image that labels it."""
        present = np.array([bool((truth.classes == index).any()) for truth in self.truths], dtype=bool)
        covered = self.labelled[:, index]
        return image_probabilities(self.found, index)[covered], present[covered]


def look(
    detector: Detector, samples: Sequence[Sample], *, threads: int = 2, advance: Callable[[], object] = lambda: None
) -> Findings:
    """Run the detector over samples, in their order; with one thread a call in the engine, several threads pay best."""

    def one(sample: Sample) -> tuple[Detections, Truth, tuple[int, int]]:
        radiograph = read(sample.image)
        found = detector.detections(radiograph, floor=FLOOR)
        if sample.labelled is not None:
            found = found.take(np.isin(found.classes, sample.labelled))
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
