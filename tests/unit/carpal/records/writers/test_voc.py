"""Pascal VOC files, read back by an XML parser."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.unit.carpal.records.writers.table_samples import BOXES, CLASSES, HEIGHT, WIDTH, finding, record

from carpal.records.writers.voc import voc_annotation

PATH = Path("folder/wrist & <arm>.png")


def boxes(body: bytes) -> list[tuple[str, list[int]]]:
    found = []
    for thing in ElementTree.fromstring(body).iter("object"):
        place = thing.find("bndbox")
        assert place is not None
        name = thing.findtext("name")
        found.append((name or "", [int(place.findtext(tag) or "") for tag in ("xmin", "ymin", "xmax", "ymax")]))
    return found


def test_boxes_come_back_within_half_a_pixel_and_names_as_they_are():
    found = boxes(voc_annotation(record(), PATH))
    assert [name for name, _ in found] == list(CLASSES)
    for (_, read), written in zip(found, BOXES, strict=True):
        assert read == pytest.approx(written, abs=0.5)


def test_the_form_is_that_of_the_dataset_with_the_size_filled_in():
    root = ElementTree.fromstring(voc_annotation(record(), PATH))
    assert [child.tag for child in root][:4] == ["folder", "filename", "source", "size"]
    assert root.findtext("filename") == PATH.name
    assert root.findtext("source/database") == "carpal tiny:3"
    assert (root.findtext("size/width"), root.findtext("size/height")) == (str(WIDTH), str(HEIGHT))
    place = root.find("object/bndbox")
    assert place is not None
    assert [edge.tag for edge in place] == ["xmax", "xmin", "ymax", "ymin"]


def test_an_image_without_findings_has_no_object():
    assert boxes(voc_annotation(record(findings=()), PATH)) == []


@pytest.mark.parametrize("odd", ["bell\x07", "half \ud800", "end \uffff"])
def test_what_xml_cannot_hold_is_replaced(odd: str):
    found = ElementTree.fromstring(voc_annotation(record(findings=()), Path(odd))).findtext("filename")
    assert found == odd[:-1] + "\ufffd"


def test_a_label_with_a_control_character_is_still_xml():
    odd = record((finding(BOXES[0], "a\x01b"),), classes=("a\x01b",))
    assert boxes(voc_annotation(odd, PATH))[0][0] == "a\ufffdb"
