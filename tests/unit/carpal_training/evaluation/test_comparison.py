import numpy as np
import pytest

from carpal.detection.postprocess import Detections
from carpal_training.evaluation.cases import Cases, cases_from_boxes
from carpal_training.evaluation.comparison import compare_aucs, compare_boxes
from carpal_training.evaluation.findings import Findings


def cases(findings: Findings) -> Cases:
    exams = [sample.exam for sample in findings.samples]
    return cases_from_boxes(findings.found, findings.truths, exams, findings.classes)


def noisier(scene: Findings, noise: float, seed: int = 0) -> Findings:
    """The same boxes with probabilities that say less."""
    rng = np.random.default_rng(seed)
    found = []
    for one in scene.found:
        probabilities = np.clip(one.probabilities + rng.normal(0, noise, len(one)), 0.01, 1)
        order = np.argsort(-probabilities)
        found.append(Detections(one.boxes[order], probabilities[order], one.classes[order]))
    return Findings(found, scene.truths, scene.classes, scene.samples, scene.sizes)


def test_a_model_against_itself_does_not_differ(scene: Findings) -> None:
    for found in (
        compare_boxes(scene, scene, draws=200, seed=0),
        compare_aucs(cases(scene), cases(scene), draws=200, seed=0),
    ):
        one = found["fracture"]
        assert (one.difference.value, one.p) == (0.0, 1.0)
        assert one.difference.low == pytest.approx(0)
        assert one.difference.high == pytest.approx(0)


def test_a_model_that_says_less_is_found_out(scene: Findings) -> None:
    worse = Findings([*scene.found[1:], scene.found[0]], scene.truths, scene.classes, scene.samples, scene.sizes)
    boxes = compare_boxes(scene, worse, draws=400, seed=0)
    assert set(boxes) == {"fracture", "text", "mean"}
    for one in (boxes["mean"], compare_aucs(cases(scene), cases(worse), draws=400, seed=0)["fracture"]):
        assert one.difference.value is not None
        assert one.difference.value < -0.03
        assert one.difference.high is not None
        assert one.difference.high < 0
        assert one.p is not None
        assert one.p < 0.02


def test_without_a_true_difference_p_is_small_as_rarely_as_it_says(scene: Findings) -> None:
    """Two models that differ by the same noise: among 40 such pairs about two have p below 0.05."""
    pairs = [[cases(noisier(scene, 0.3, 2 * n + side)) for side in (0, 1)] for n in range(40)]
    ps = [compare_aucs(*pair, draws=200, seed=n)["fracture"].p for n, pair in enumerate(pairs)]
    assert sum(p is not None and p < 0.05 for p in ps) <= 6
    assert np.mean([p for p in ps if p is not None]) > 0.3


def test_a_class_that_is_everywhere_has_no_area(scene: Findings) -> None:
    one = compare_aucs(cases(scene), cases(scene), draws=100, seed=0)["text"]
    assert (one.first, one.p) == (None, None)
