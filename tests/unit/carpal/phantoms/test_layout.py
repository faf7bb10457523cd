import csv
import io
import json
import xml.etree.ElementTree as ET

import pytest

from carpal.phantoms import CLASS_NAMES, PhantomImage, draw
from carpal.phantoms.layout import (
    CSV_COLUMNS,
    csv_row,
    csv_text,
    meta_yaml,
    read_yolo_classes,
    supervisely_annotation,
    voc_annotation,
    yolo_label,
)


@pytest.fixture(scope="module")
def image() -> PhantomImage:
    """A view with a periosteal reaction."""
    return next(i for i in (draw(0, n, size_px=160) for n in range(200)) if any(c == 5 for c, *_ in i.boxes))


def test_yolo_and_voc_tell_the_same_boxes(image: PhantomImage):
    height, width = image.pixels.shape
    label = yolo_label(image.boxes, width, height)
    objects = ET.fromstring(voc_annotation(image.meta.stem, image.boxes)).findall("object")
    assert len(objects) == len(label.splitlines()) == len(image.boxes)
    for line, found in zip(label.splitlines(), objects, strict=True):
        index, xc, yc, w, h = line.split()
        box = {child.tag: int((child.text or "").strip()) for child in found.findall("bndbox/*")}
        assert list(box) == ["xmax", "xmin", "ymax", "ymin"]
        assert found.findtext("name") == CLASS_NAMES[int(index)]
        assert float(xc) * width == pytest.approx((box["xmin"] + box["xmax"]) / 2, abs=0.01)
        assert float(yc) * height == pytest.approx((box["ymin"] + box["ymax"]) / 2, abs=0.01)
        assert float(w) * width == pytest.approx(box["xmax"] - box["xmin"], abs=0.01)
        assert float(h) * height == pytest.approx(box["ymax"] - box["ymin"], abs=0.01)


def test_a_label_has_six_decimals_and_no_newline_at_its_end(image: PhantomImage):
    assert yolo_label([(3, 10, 20, 30, 60)], 100, 200) == "3 0.200000 0.200000 0.200000 0.200000"
    assert not yolo_label(image.boxes, 100, 100).endswith("\n")
    assert read_yolo_classes("8 0 0 0 0\n3 0 0 0 0") == [8, 3]


def test_voc_leaves_size_and_folder_empty(image: PhantomImage):
    root = ET.fromstring(voc_annotation("stem", image.boxes))
    for tag in ("size", "folder"):
        element = root.find(tag)
        assert element is not None
        assert len(element) == 0
        assert element.text is None
    assert root.findtext("source/database") == "GRAZPEDWRI-DX"


def test_supervisely_has_one_axis_and_polygons_for_periosteal_reactions(image: PhantomImage):
    document = json.loads(supervisely_annotation(image))
    shapes = [(o["classTitle"], o["geometryType"]) for o in document["objects"]]
    assert shapes.count(("axis", "line")) == 1
    assert {kind for title, kind in shapes if title == "periostealreaction"} == {"polygon"}
    assert len(shapes) == len(image.boxes) + 1
    assert (document["size"]["height"], document["size"]["width"]) == image.pixels.shape
    assert document["tags"][0]["name"] in ("projection_ap", "projection_lat")


def test_the_table_has_the_datasets_columns_mark_and_line_ends(image: PhantomImage):
    meta = image.meta
    row = csv_row(meta.study, meta.view, 0.2, [3, 4, 8])
    data = csv_text([row]).encode()
    assert data.startswith(b"\xef\xbb\xbffilestem,patient_id,")
    assert data.endswith(b"Siemens\r\n")
    (read,) = csv.DictReader(io.StringIO(data.decode("utf-8-sig")))
    assert tuple(read) == CSV_COLUMNS
    assert (read["fracture_visible"], read["metal"], read["filestem"]) == ("1", "1", meta.stem)
    assert csv_row(meta.study, meta.view, 0.2, [8])["fracture_visible"] == ""


def test_the_class_names_are_written_in_order():
    text = meta_yaml()
    assert "nc: 9" in text
    assert text.index("boneanomaly") < text.index("fracture") < text.index("'text'")
