"""YOLO labels, read back by numpy and yaml as training tools do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from tests.unit.carpal.records.writers.table_samples import BOXES, CLASSES, HEIGHT, WIDTH, entry, finding, record

from carpal.phantoms.drawing import draw
from carpal.phantoms.layout import yolo_label as dataset_label
from carpal.records.writers.yolo import YoloNames, meta_yaml, yolo_label


def test_boxes_come_back_within_a_thousandth_of_a_pixel():
    rows = np.loadtxt(yolo_label(record()).decode().splitlines(), ndmin=2)
    assert rows[:, 0].tolist() == [0, 1, 2]
    centre, size = rows[:, 1:3] * (WIDTH, HEIGHT), rows[:, 3:5] * (WIDTH, HEIGHT)
    np.testing.assert_allclose(np.hstack([centre - size / 2, centre + size / 2]), BOXES, atol=1.5e-3)


def test_an_image_without_findings_has_an_empty_file():
    assert yolo_label(record(findings=())) == b""


def test_the_file_is_that_of_the_dataset_for_the_same_boxes():
    phantom = draw(2, 0, size_px=128)
    height, width = phantom.pixels.shape
    names = tuple(f"class {index}" for index in range(9))
    findings = tuple(finding((x0, y0, x1, y1), names[c]) for c, x0, y0, x1, y1 in phantom.boxes)
    ours = yolo_label(record(findings, classes=names, width_px=width, height_px=height))
    assert ours.decode() == dataset_label(phantom.boxes, width, height)


@pytest.mark.parametrize("names", [CLASSES, ("it's", "a, b", "[x]", "yes", "1"), ()])
def test_class_names_come_back_whatever_they_are(names: tuple[str, ...]):
    assert yaml.safe_load(meta_yaml(names)) == {"nc": len(names), "names": list(names)}


def test_the_names_are_written_when_the_run_ends(tmp_path: Path):
    (tmp_path / "yolo").mkdir()
    names = YoloNames(tmp_path)
    names.open()
    names.add(entry())
    assert list((tmp_path / "yolo").iterdir()) == []
    names.close()
    assert yaml.safe_load((tmp_path / "yolo/meta.yaml").read_text())["names"] == list(CLASSES)
