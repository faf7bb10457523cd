"""COCO files: what an evaluation tool needs, and the same boxes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.carpal.records.writers.table_samples import BOXES, CLASSES, HEIGHT, WIDTH, entry, record

from carpal.records.errors import ClassesDifferError, LabelUnreadableError
from carpal.records.labels import FOLDER
from carpal.records.writers.coco import Coco


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out/coco").mkdir(parents=True)
    return tmp_path / "out"


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A dataset that knows a class which the model does not."""
    (tmp_path / "set" / FOLDER / "labels").mkdir(parents=True)
    (tmp_path / "set" / FOLDER / "meta.yaml").write_text("names: ['metal', 'fracture']\n")
    return tmp_path / "set"


def label(dataset: Path, stem: str, text: str) -> Path:
    (dataset / FOLDER / "labels" / f"{stem}.txt").write_text(text)
    return dataset / "images_part1" / f"{stem}.png"


def load(path: Path) -> Any:
    return json.loads(path.read_bytes())


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_images_without_labels_give_results_and_a_list_of_images(out: Path):
    coco = Coco(out)
    coco.open()
    coco.add(entry("a.png"))
    coco.add(entry("b/c.png", record(findings=())))
    coco.close()
    assert names(out / "coco") == ["images.json", "results.json"]
    images = load(out / "coco/images.json")
    assert images["categories"] == [{"id": index, "name": name} for index, name in enumerate(CLASSES, start=1)]
    assert images["images"][1] == {"id": 2, "file_name": "b/c.png", "width": WIDTH, "height": HEIGHT}
    assert "annotations" not in images
    results = load(out / "coco/results.json")
    assert [(one["image_id"], one["category_id"], one["score"]) for one in results] == [
        (1, 1, 0.9),
        (1, 2, 0.1 + 0.2),
        (1, 3, 0.25),
    ]
    for one, (x0, y0, x1, y1) in zip(results, BOXES, strict=True):
        assert one["bbox"] == pytest.approx([x0, y0, x1 - x0, y1 - y0], abs=1e-9)


def test_labels_beside_the_images_become_ground_truth(out: Path, dataset: Path):
    paths = [
        label(dataset, "a", "1 0.5 0.5 0.2 0.1\n0 0.25 0.25 0.5 0.5"),
        label(dataset, "empty", ""),
        dataset / "images_part2" / "nobody-looked.png",
    ]
    coco = Coco(out)
    coco.open()
    for path in paths:
        coco.add(entry(str(path)))
    coco.close()
    assert names(out / "coco") == ["ground_truth.json", "results.json"]
    truth = load(out / "coco/ground_truth.json")
    assert [one["name"] for one in truth["categories"]] == [*CLASSES, "metal"]
    assert (truth["info"]["images"], truth["info"]["images_with_label_file"]) == (3, 2)
    assert [(one["id"], one["image_id"], one["category_id"]) for one in truth["annotations"]] == [(1, 1, 1), (2, 1, 4)]
    first = truth["annotations"][0]
    assert first["bbox"] == pytest.approx([0.4 * WIDTH, 0.45 * HEIGHT, 0.2 * WIDTH, 0.1 * HEIGHT])
    assert first["area"] == pytest.approx(0.02 * WIDTH * HEIGHT)
    assert first["iscrowd"] == 0


def test_a_second_run_without_labels_takes_the_ground_truth_of_the_first_away(out: Path, dataset: Path):
    for path in (label(dataset, "a", "1 0.5 0.5 0.2 0.1"), Path("elsewhere/a.png")):
        coco = Coco(out)
        coco.open()
        coco.add(entry(str(path)))
        coco.close()
    assert names(out / "coco") == ["images.json", "results.json"]


@pytest.mark.parametrize("problem", ["label", "classes"])
def test_an_image_that_cannot_be_added_leaves_no_trace(out: Path, dataset: Path, problem: str):
    good = label(dataset, "a", "1 0.5 0.5 0.2 0.1")
    coco = Coco(out)
    coco.open()
    coco.add(entry(str(good)))
    bad = {
        "label": entry(str(label(dataset, "b", "nonsense"))),
        "classes": entry(str(good), record(findings=(), classes=("x",))),
    }
    with pytest.raises((LabelUnreadableError, ClassesDifferError)):
        coco.add(bad[problem])
    coco.add(entry(str(good)))
    coco.close()
    truth, results = load(out / "coco/ground_truth.json"), load(out / "coco/results.json")
    assert [one["id"] for one in truth["images"]] == [1, 2]
    assert [one["id"] for one in truth["annotations"]] == [1, 2]
    assert {one["image_id"] for one in results} == {1, 2}


def test_a_run_without_records_is_still_json(out: Path):
    coco = Coco(out)
    coco.open()
    coco.close()
    assert load(out / "coco/results.json") == []
    assert load(out / "coco/images.json")["images"] == load(out / "coco/images.json")["categories"] == []
