"""Which findings decide on a class, and in which order accuracies are stored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from carpal.detection.postprocess import Detections
from carpal.packages.manifest import Manifest
from carpal_training.data.dataset import Dataset, Sample
from carpal_training.data.exam import Exam
from carpal_training.evaluation.findings import Findings
from carpal_training.evaluation.metrics import Truth
from carpal_training.export.measured import reference_findings, references
from carpal_training.recipe import Recipe

BOX = np.array([[1.0, 1.0, 5.0, 5.0]])
CLASSES = ("fracture", "metal")


def sample(stem: str, member: str, labelled: tuple[int, ...] | None) -> Sample:
    return Sample(stem, Path(stem), Exam(stem), np.zeros(1, np.int64), BOX / 10, member=member, labelled=labelled)


@pytest.fixture
def findings() -> Findings:
    """Two images of drawings, which label both classes, and one of limbs, which labels fractures only."""
    samples = [sample("1", "drawings", None), sample("2", "drawings", None), sample("3", "limbs", (0,))]
    found = [Detections(BOX, np.array([0.1 * int(one.stem)]), np.zeros(1, np.int64)) for one in samples]
    truths = [Truth(BOX, np.zeros(1, np.int64)) for _ in samples]
    return Findings(found, truths, CLASSES, samples, [(10, 10)] * 3)


def plan(**datasets: dict[str, object]) -> Recipe:
    return Recipe.model_validate({"epochs": 1, "datasets": datasets})


def test_the_reference_dataset_decides_on_the_classes_that_it_labels(findings: Findings) -> None:
    recipe = plan(limbs={"reference": True})
    assert [one.stem for one in reference_findings(findings, 0, recipe).samples] == ["3"]
    assert [one.stem for one in reference_findings(findings, 1, recipe).samples] == ["1", "2", "3"]
    scores, present = reference_findings(findings, 1, recipe).presence(1)
    assert (len(scores), present.tolist()) == (2, [False, False])  # the image of limbs does not count for metal


def test_without_a_reference_every_image_decides(findings: Findings) -> None:
    assert len(reference_findings(findings, 0, plan()).samples) == 3


def test_the_accuracy_of_the_reference_dataset_comes_first(tiny_manifest: Manifest) -> None:
    members = tuple(Dataset(Path(name), CLASSES, (), name) for name in ("drawings", "limbs"))
    both = Dataset(Path(), CLASSES, (), "both", members=members)
    first, second = (tiny_manifest.accuracy.model_copy(update={"images": count}) for count in (1, 2))
    manifest = tiny_manifest.model_copy(update={"accuracy": first, "further_accuracy": (second,)})
    assert list(references(manifest, plan(limbs={"reference": True}), both)) == ["limbs", "drawings"]
    assert list(references(manifest, plan(), both)) == ["drawings", "limbs"]
    alone = replace(both, members=())
    assert list(references(tiny_manifest, plan(), alone)) == [""]


def test_findings_of_one_dataset_keep_their_truths_and_labels(findings: Findings) -> None:
    limbs = findings.of_dataset("limbs")
    assert [float(one.probabilities[0]) for one in limbs.found] == [pytest.approx(0.3)]
    assert limbs.labelled.tolist() == [[True, False]]
    assert limbs.labelled_classes == ("fracture",)
    assert findings.labelled_classes == ("fracture",)
