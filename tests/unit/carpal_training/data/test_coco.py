from pathlib import Path
from typing import Any

import cv2
import numpy as np
import orjson
import pytest

from carpal_training.data.assembly import assemble
from carpal_training.data.coco import read_coco
from carpal_training.data.patients import PatientRule
from carpal_training.errors import DatasetMissingError, TableInvalidError

RULE = PatientRule(each_image=True)


def document(**changes: Any) -> dict[str, Any]:
    return {
        "images": [
            {"id": 7, "file_name": "img/a.png", "width": 10, "height": 20},
            {"id": 8, "file_name": "b.png", "width": 10, "height": 20},
        ],
        "categories": [{"id": 4, "name": "text"}, {"id": 1, "name": "fracture"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 4, "bbox": [1, 2, 5, 10], "iscrowd": 0},
            {"id": 2, "image_id": 7, "category_id": 1, "bbox": [0, 0, 10, 20], "iscrowd": 1},
        ],
        **changes,
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "img").mkdir()
    for stem in "abc":
        cv2.imwrite(str(tmp_path / f"img/{stem}.png"), np.zeros((20, 10), np.uint8))
    (tmp_path / "ground_truth.json").write_bytes(orjson.dumps(document()))
    (tmp_path / "results.json").write_bytes(b"[]")
    (tmp_path / "notes.json").write_bytes(b"{")
    return tmp_path


def test_categories_are_ordered_by_id_and_crowds_left_out(root: Path) -> None:
    source = read_coco(root, RULE)
    dataset = assemble(source)
    assert source.issues.errors == []
    assert dataset.classes == ("fracture", "text")
    assert [sample.stem for sample in dataset.samples] == ["a", "b"], "c is in no annotation file"
    assert dataset.samples[0].classes.tolist() == [1]
    np.testing.assert_allclose(dataset.samples[0].boxes, [[0.1, 0.1, 0.6, 0.6]])


def test_files_of_several_parts_are_one_dataset(root: Path) -> None:
    (root / "annotations").mkdir()
    third = [{"id": 7, "file_name": "c.png"}]
    (root / "annotations/val.json").write_bytes(orjson.dumps(document(images=third, annotations=[])))
    assert sorted(read_coco(root, RULE).images) == ["a", "b", "c"]


def test_an_image_of_another_size_is_told(root: Path) -> None:
    images = [{"id": 7, "file_name": "a.png", "width": 640, "height": 640}]
    (root / "ground_truth.json").write_bytes(orjson.dumps(document(images=images)))
    assert [issue.kind for issue in read_coco(root, RULE).issues.errors] == ["size-differs"]


def test_an_unknown_size_is_not_compared(root: Path) -> None:
    images = [{"id": 7, "file_name": "a.png", "width": None, "height": None}]
    (root / "ground_truth.json").write_bytes(orjson.dumps(document(images=images)))
    assert read_coco(root, RULE).issues.errors == []


def test_an_image_that_is_not_there_is_told(root: Path) -> None:
    (root / "img/b.png").unlink()
    source = read_coco(root, RULE)
    assemble(source)
    assert [(issue.kind, issue.image) for issue in source.issues.errors] == [("missing-image", "b")]


def test_ids_that_lead_nowhere_and_other_categories_are_refused(root: Path) -> None:
    (root / "ground_truth.json").write_bytes(orjson.dumps(document(images=[])))
    with pytest.raises(TableInvalidError, match="no COCO file"):
        read_coco(root, RULE)
    (root / "ground_truth.json").write_bytes(orjson.dumps(document()))
    (root / "z.json").write_bytes(orjson.dumps(document(categories=[{"id": 1, "name": "x"}], annotations=[])))
    with pytest.raises(TableInvalidError, match="categories"):
        read_coco(root, RULE)


def test_a_folder_without_annotations_is_none(tmp_path: Path) -> None:
    with pytest.raises(DatasetMissingError):
        read_coco(tmp_path, RULE)


def test_polygons_are_kept_as_shares_of_the_image(root: Path) -> None:
    ring = [1, 2, 6, 2, 6, 12]
    items = [
        {"image_id": 7, "category_id": 4, "bbox": [1, 2, 5, 10], "segmentation": [ring]},
        {"image_id": 7, "category_id": 1, "bbox": [1, 2, 5, 10], "segmentation": {"counts": "x", "size": [1, 1]}},
    ]
    (root / "ground_truth.json").write_bytes(orjson.dumps(document(annotations=items)))
    ((outline,),) = [polygons for polygons in read_coco(root, RULE).polygons.values() if polygons]
    assert (outline.label, outline.rings) == ("text", (((0.1, 0.1), (0.6, 0.1), (0.6, 0.6)),))


def test_a_byte_order_mark_and_nan_do_not_hide_a_file(root: Path) -> None:
    image = [{"id": 1, "file_name": "c.png"}]
    body = orjson.dumps(document(images=image, annotations=[])).decode()
    (root / "second.json").write_text("\ufeff" + body.replace('"annotations"', '"score": NaN, "annotations"'), "utf-8")
    assert sorted(read_coco(root, RULE).images) == ["a", "b", "c"]


@pytest.mark.parametrize("box", [None, [], [1, 2, 3], ["x", 1, 2, 3]])
def test_an_invalid_box_is_an_issue_that_names_the_annotation(root: Path, box: Any) -> None:
    items = [{"image_id": 7, "category_id": 4, "bbox": box}]
    (root / "ground_truth.json").write_bytes(orjson.dumps(document(annotations=items)))
    assert [(issue.kind, issue.place) for issue in read_coco(root, RULE).issues.errors] == [
        ("bad-label", "ground_truth.json annotation 1")
    ]


def test_a_category_name_that_is_there_twice_is_refused(root: Path) -> None:
    twice = [{"id": 4, "name": "text"}, {"id": 1, "name": "text"}]
    (root / "ground_truth.json").write_bytes(orjson.dumps(document(categories=twice)))
    with pytest.raises(TableInvalidError, match="a category twice: text, text"):
        read_coco(root, RULE)
