"""Label Studio tasks: percent of the image, a score each, and an interface with all classes."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.unit.carpal.records.writers.table_samples import BOXES, CLASSES, HEIGHT, WIDTH, entry, record

from carpal.records.errors import ClassesDifferError
from carpal.records.writers.label_studio import LabelStudioTasks, label_config, task


def test_boxes_come_back_from_their_percents():
    (prediction,) = task(record(), Path("a.png"))["predictions"]
    for region, box, label in zip(prediction["result"], BOXES, CLASSES, strict=True):
        value = region["value"]
        assert all(0 <= value[key] <= 100 for key in ("x", "y", "width", "height"))
        x, y = value["x"] * WIDTH / 100, value["y"] * HEIGHT / 100
        right, bottom = x + value["width"] * WIDTH / 100, y + value["height"] * HEIGHT / 100
        assert (x, y, right, bottom) == pytest.approx(box, abs=1e-9)
        assert value["rectanglelabels"] == [label]
        assert (region["original_width"], region["original_height"]) == (WIDTH, HEIGHT)
    assert len({region["id"] for region in prediction["result"]}) == 3


def test_a_prediction_names_its_model_and_has_the_score_of_its_strongest_finding():
    (prediction,) = task(record(), Path("a.png"))["predictions"]
    assert (prediction["model_version"], prediction["score"]) == ("tiny:3", 0.9)
    assert task(record(findings=()), Path("a.png"))["predictions"][0]["score"] == 0.0


def test_a_path_with_odd_letters_is_a_legal_address():
    data = task(record(), Path("a folder/ü?&\udcff.png"))["data"]
    assert data["image"] == "/data/local-files/?d=a%20folder/%C3%BC%3F%26%FF.png"


def test_the_interface_and_the_tasks_speak_of_the_same_things():
    root = ElementTree.fromstring(label_config(CLASSES))
    assert [label.get("value") for label in root.iter("Label")] == list(CLASSES)
    labels, image = root.find("RectangleLabels"), root.find("Image")
    assert labels is not None
    assert image is not None
    region = task(record(), Path("a.png"))["predictions"][0]["result"][0]
    assert (labels.get("name"), labels.get("toName")) == (region["from_name"], region["to_name"])
    assert image.get("value") == "$" + image.get("name", "")


def test_tasks_are_one_list_and_another_model_is_refused(tmp_path: Path):
    (tmp_path / "label-studio").mkdir()
    tasks = LabelStudioTasks(tmp_path)
    tasks.open()
    tasks.add(entry())
    with pytest.raises(ClassesDifferError):
        tasks.add(entry(kept=record(findings=(), classes=("x",))))
    tasks.add(entry("b.png"))
    tasks.close()
    found = json.loads((tmp_path / "label-studio/tasks.json").read_bytes())
    assert found == [task(record(), Path("some/wrist.png")), task(record(), Path("b.png"))]
    assert b"Label value" in (tmp_path / "label-studio/config.xml").read_bytes()
