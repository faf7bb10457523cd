from dataclasses import replace

import numpy as np
import pytest

from carpal_training.evaluation.boxes import box_figures, confuse, froc, mean_overlaps
from carpal_training.evaluation.findings import Findings
from carpal_training.evaluation.metrics import Ranked, mean_average_precision

LOW = {"fracture": 0.05, "text": 0.05, "nobody": 0.05}


def test_figures_and_intervals_agree_with_the_plain_ones(scene: Findings) -> None:
    figures = box_figures(scene, LOW, {}, draws=200)
    map50, map50_95 = mean_average_precision(scene.ranked)
    assert figures.map50.value == pytest.approx(map50, abs=1e-9)
    assert figures.map50_95.value == pytest.approx(map50_95, abs=1e-9)
    assert figures.map50_without_apart.value == pytest.approx(scene.ranked[0].average_precision()[0], abs=1e-9)
    for one in (figures.map50, figures.map50_95, figures.classes["fracture"].ap50):
        assert one.low < one.value < one.high  # type: ignore[operator]  # none of them is None
    assert figures.classes["nobody"].ap50.value is None
    assert figures.precision is not None
    assert figures == box_figures(scene, LOW, {}, draws=200)


def test_a_point_of_the_froc_has_no_more_alarms_than_it_says() -> None:
    hits = np.repeat(np.array([[True, False, True, False, True]]), 10, axis=0)
    points = froc(Ranked(np.array([0.9, 0.8, 0.7, 0.6, 0.6]), hits, 4), 4)
    found = {point.false_alarms_an_image: (point.sensitivity, point.threshold) for point in points}
    assert found[0.05] == (0.25, 0.9)
    assert found[0.25] == (0.5, 0.7)
    assert found[0.5] == (0.75, 0.6), "two findings of 0.6 come together"
    assert froc(Ranked(np.zeros(0), np.zeros((10, 0), bool), 0), 4) == ()


def test_every_instance_and_every_finding_is_in_the_confusion_once(scene: Findings) -> None:
    counts = np.array(confuse(scene, LOW).counts)
    assert counts[:3].sum(axis=1).tolist() == [one.instances for one in scene.ranked]
    found = np.concatenate([one.classes for one in scene.found])
    assert counts[:, :3].sum(axis=0).tolist() == np.bincount(found, minlength=3).tolist()
    assert counts[0, 0] > 0
    assert counts[3, 3] == 0


def test_one_class_taken_for_the_other_is_seen(scene: Findings) -> None:
    swapped = [replace(one, classes=1 - one.classes) for one in scene.found]
    counts = np.array(confuse(Findings(swapped, scene.truths, scene.classes), LOW).counts)
    assert counts[0, 1] > counts[0, 0]


def test_overlap_is_of_right_findings_alone(scene: Findings) -> None:
    overlaps = mean_overlaps(scene, LOW)
    assert 0.5 < (overlaps["fracture"] or 0) < 1
    assert overlaps["nobody"] is None
    same = Findings([replace(one, boxes=one.boxes) for one in scene.found], scene.truths, scene.classes)
    assert mean_overlaps(same, dict.fromkeys(LOW, 1.0))["fracture"] is None
