from pathlib import Path

import numpy as np

from carpal.detection.postprocess import Detections
from carpal.reports.blocks import Photo, Source
from carpal_training.data.opening import open_dataset
from carpal_training.evaluation.findings import Findings
from carpal_training.evaluation.gallery import pictures, worst
from carpal_training.evaluation.metrics import Truth

BOX, BESIDE = [10.0, 20.0, 30.0, 50.0], [35.0, 20.0, 55.0, 50.0]
LOW = {"fracture": 0.4, "text": 0.4}


def findings(data: Path) -> Findings:
    """Image 0: found, and a sure false alarm; image 1: missed, with a weak box on it; image 2: badly placed."""
    samples = open_dataset(data).samples[:3]
    found = [
        Detections(np.array([BOX, BESIDE]), np.array([0.9, 0.8]), np.array([0, 0])),
        Detections(np.array([BOX]), np.array([0.2]), np.array([0])),
        Detections(np.array([[10.0, 20.0, 30.0, 30.0]]), np.array([0.7]), np.array([0])),
    ]
    truths = [Truth(np.array([BOX]), np.array([0]))] * 3
    return Findings(found, truths, ("fracture", "text"), samples, [(60, 80)] * 3)


def test_the_surest_alarm_and_the_clearest_miss_come_first(data: Path) -> None:
    alarm, miss = worst(findings(data), LOW, ("text",), 5)
    assert (alarm.kind, alarm.probability, alarm.place, alarm.box.tolist()) == ("false alarm", 0.8, 0, BESIDE)
    assert (miss.kind, miss.probability, miss.place) == ("miss", 0.2, 1)
    assert worst(findings(data), LOW, ("text", "fracture"), 5) == []


def test_a_picture_is_of_its_radiograph_at_true_aspect(data: Path) -> None:
    found = findings(data)
    alarm, miss = pictures(worst(found, LOW, (), 5), found, Source("predictions.csv.gz"))
    assert isinstance(alarm.picture, Photo)
    assert (alarm.picture.width_px, alarm.picture.height_px) == (300, 400)
    assert alarm.picture.data.startswith(b"\xff\xd8")
    assert "0.80, where there is none" in alarm.caption
    assert "strongest box on it has 0.20" in miss.caption
    assert found.samples[0].stem in alarm.caption
