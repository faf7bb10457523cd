from pathlib import Path

import numpy as np

import carpal
from carpal.detection.detector import open_detector
from carpal.packages.package import open_package
from carpal_training.data.opening import open_dataset
from carpal_training.evaluation.findings import FLOOR, Findings, look


def test_the_detector_that_serves_is_the_one_that_is_measured(data: Path, tiny_package: Path) -> None:
    samples = open_dataset(data).samples[:2]
    with open_detector(open_package(tiny_package)) as detector:
        findings = look(detector, samples)
        expected = detector.detections(carpal.read(samples[1].image), floor=FLOOR)
    np.testing.assert_array_equal(findings.found[1].boxes, expected.boxes)
    np.testing.assert_allclose(findings.truths[1].boxes, [[10, 20, 30, 50]], atol=1e-3)
    assert findings.sizes == [(60, 80)] * 2


def test_presence_is_the_strongest_box_and_the_truth(scene: Findings) -> None:
    scores, present = scene.presence(0)
    assert scores.shape == present.shape == (120,)
    assert scores[3] == scene.found[3].probabilities[scene.found[3].classes == 0].max(initial=0.0)
    assert present[3] == (scene.truths[3].classes == 0).any()
    assert len(scene.ranked) == 3
