"""How long the intervals of an evaluation take: 2,000 draws of patients, over boxes and over images.

    python training/benchmarks/intervals.py

Invented findings of the size of GRAZPEDWRI-DX's test part: 2,029 images of 610 patients, nine classes, 2.3 boxes an
image, each found with some error in nine of ten, and forty weak boxes beside them, as a detector leaves them above a
probability of 0.001. Ends with 1 where the processor time is above 60 s. A minute.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from carpal.detection.postprocess import Detections
from carpal.machine import this_machine
from carpal.phantoms.classes import CLASS_NAMES
from carpal_training.data.dataset import Sample
from carpal_training.data.exam import Exam
from carpal_training.evaluation.boxes import box_figures
from carpal_training.evaluation.findings import Findings
from carpal_training.evaluation.metrics import Truth

BAR_S = 60.0
IMAGES, PATIENTS, DRAWS = 2029, 610, 2000
BOXES, FOUND, WEAK = 2.3, 0.9, 40
SIZE_PX = 640.0


def main() -> int:
    """Measure; 0 where the bar holds."""
    findings = invented(np.random.default_rng(0))
    thresholds = dict.fromkeys(CLASS_NAMES, 0.25)
    begun = time.process_time()
    figures = box_figures(findings, thresholds, {}, draws=DRAWS)
    seconds = time.process_time() - begun
    machine, value = this_machine(), figures.map50_95
    sys.stdout.write(f"{machine.processor}, {machine.cores} cores\n")
    sys.stdout.write(f"{IMAGES} invented images, {DRAWS} draws: {seconds:.1f} s of processor time (bar {BAR_S:g} s)\n")
    sys.stdout.write(f"mAP50-95 {value.value:.3f} ({value.low:.3f} to {value.high:.3f})\n")
    return 1 if seconds > BAR_S else 0


def invented(random: np.random.Generator) -> Findings:
    """Findings that were never found."""
    found, truths, samples = [], [], []
    for index in range(IMAGES):
        count = int(random.poisson(BOXES))
        classes, boxes = random.integers(0, len(CLASS_NAMES), count), somewhere(random, count)
        truths.append(Truth(boxes, classes))
        seen = random.random(count) < FOUND
        near = boxes[seen] + random.normal(0.0, 4.0, (int(seen.sum()), 4))
        probabilities = np.concatenate([random.beta(5, 2, len(near)), random.beta(0.3, 8, WEAK)])
        order = np.argsort(-probabilities)
        found.append(
            Detections(
                np.concatenate([near, somewhere(random, WEAK)])[order],
                probabilities[order],
                np.concatenate([classes[seen], random.integers(0, len(CLASS_NAMES), WEAK)])[order],
            )
        )
        exam = Exam(patient=str(index % PATIENTS))
        samples.append(Sample(f"{index}", Path(__file__), exam, classes, boxes / SIZE_PX))
    return Findings(found, truths, CLASS_NAMES, samples, [(int(SIZE_PX), int(SIZE_PX))] * IMAGES)


def somewhere(random: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Boxes of 20 to 150 px."""
    corner, sides = random.uniform(0, SIZE_PX - 150, (count, 2)), random.uniform(20, 150, (count, 2))
    return np.concatenate([corner, corner + sides], axis=1)


if __name__ == "__main__":
    sys.exit(main())
