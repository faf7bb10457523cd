from pathlib import Path

import numpy as np
import orjson
import pytest

from carpal.detection.detector import open_detector
from carpal.detection.postprocess import Detections
from carpal.packages.package import open_package
from carpal_training.evaluation.evaluate import Evaluation, evaluate, write_evaluation
from carpal_training.evaluation.findings import Findings
from carpal_training.evaluation.metrics import Truth

CLASSES = ("fracture", "text")
BOX = np.array([[0.0, 0.0, 10.0, 10.0]])
DIGEST = "sha256:" + "1" * 64


def found(*probabilities: float) -> Detections:
    """Boxes of class 0: the first on the instance, the others beside it."""
    boxes = np.concatenate([BOX, *(BOX + 50.0 * index for index in range(1, len(probabilities)))])[: len(probabilities)]
    return Detections(boxes, np.array(probabilities), np.zeros(len(probabilities), np.int64))


@pytest.fixture
def findings() -> Findings:
    """Four images, two with a fracture: one found at 0.9, one missed; two false alarms at 0.3; no text anywhere."""
    there, nothing = Truth(BOX, np.array([0])), Truth(np.zeros((0, 4)), np.zeros(0, np.int64))
    detections = [found(0.9), found(), Detections(BOX, np.array([0.3]), np.array([0])), found(0.3)]
    return Findings(detections, [there, there, nothing, nothing], CLASSES)


def measured(findings: Findings, package: Path) -> Evaluation:
    with open_detector(open_package(package)) as detector:
        return evaluate(
            findings, detector, dataset="d", dataset_digest=DIGEST, split_digest=DIGEST, part="val", command="this test"
        )


def test_figures_are_those_that_one_can_count(findings: Findings, tiny_package: Path) -> None:
    evaluation = measured(findings, tiny_package)
    fracture = evaluation.classes["fracture"]
    assert (fracture.instances, fracture.images, fracture.detections) == (2, 2, 3)
    assert (fracture.precision, fracture.recall, fracture.threshold) == (1.0, 0.5, 0.9)
    assert fracture.f1 == pytest.approx(2 / 3)
    assert fracture.ap50 == pytest.approx(51 / 101)  # precision 1 at recalls 0 to 0.5, 0 beyond
    assert evaluation.map50 == fracture.ap50
    # the package's points are 0.4 and 0.8: the false alarms at 0.3 are below both
    assert (fracture.high_sensitivity.sensitivity, fracture.high_sensitivity.specificity) == (0.5, 1.0)


def test_a_class_without_instances_is_left_out_and_listed(findings: Findings, tiny_package: Path) -> None:
    evaluation = measured(findings, tiny_package)
    assert evaluation.averaged_classes == ("fracture",)
    assert evaluation.left_out_classes == ("text",)
    assert evaluation.classes["text"].ap50 is None
    assert evaluation.classes["text"].high_sensitivity.sensitivity is None
    assert evaluation.accuracy().classes["text"].instances == 0


def test_the_files_hold_the_figures_and_the_curves(findings: Findings, tiny_package: Path, tmp_path: Path) -> None:
    evaluation = measured(findings, tiny_package)
    write_evaluation(evaluation, findings, tmp_path / "out")
    body = (tmp_path / "out/evaluation.json").read_bytes()
    assert Evaluation.parse_json(body, source="evaluation.json") == evaluation
    assert orjson.loads(body)["schema"] == "carpal.evaluation/v1"
    lines = (tmp_path / "out/curves.csv").read_text().splitlines()
    assert lines[0] == "class,recall,precision"
    assert len(lines) == 102
    assert lines[1:3] == ["fracture,0.00,1.000000", "fracture,0.01,1.000000"]
