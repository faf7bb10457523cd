import json
from pathlib import Path

import pytest

from carpal_training.data.issues import Issues
from carpal_training.data.labels import read_supervisely, read_voc, read_yolo

SIZE = (100, 200)
VOC = """<annotation><folder/><size>{size}</size><object><name> fracture
</name><bndbox><xmax>
  50 </xmax><xmin> 25</xmin><ymax>100</ymax><ymin>
50</ymin></bndbox></object></annotation>"""


@pytest.fixture
def issues() -> Issues:
    return Issues()


def test_a_real_label_file_has_no_last_line_end(graz: Path, issues: Issues) -> None:
    for path in sorted((graz / "labels").glob("*.txt")):
        assert not path.read_bytes().endswith(b"\n")
        found = read_yolo(path, path.stem, None, issues)
        assert found
        assert all(0 <= int(item.label) <= 8 for item in found)
    assert issues.found == []


@pytest.mark.parametrize("line", ["0 0.5 0.5 0.1", "x 0.5 0.5 0.1 0.1", "0 0.5 0.5 12 14", "0 0.5 0.5 -0.1 0.1"])
def test_a_line_that_is_no_box_is_told_and_the_others_are_read(tmp_path: Path, issues: Issues, line: str) -> None:
    (tmp_path / "a.txt").write_text(f"{line}\n\n1 0.5 0.5 0.2 0.4")
    (box,) = read_yolo(tmp_path / "a.txt", "a", None, issues)
    assert box.box == pytest.approx((0.4, 0.3, 0.6, 0.7))
    assert [(issue.kind, issue.place) for issue in issues.found] == [("bad-label", "a.txt line 1")]


def test_a_voc_file_may_have_no_size_padded_values_and_another_order(tmp_path: Path, issues: Issues) -> None:
    (tmp_path / "a.xml").write_text(VOC.format(size=""))
    (box,) = read_voc(tmp_path / "a.xml", "a", SIZE, issues)
    assert (box.label, box.box) == ("fracture", (0.25, 0.25, 0.5, 0.5))
    assert issues.found == []


def test_a_voc_file_of_another_size_is_told(tmp_path: Path, issues: Issues) -> None:
    (tmp_path / "a.xml").write_text(VOC.format(size="<width>640</width><height>640</height>"))
    read_voc(tmp_path / "a.xml", "a", SIZE, issues)
    assert [issue.kind for issue in issues.found] == ["size-differs"]


@pytest.mark.parametrize("body", ["<annotation>", "<a><object><name>f</name></object></a>"])
def test_a_broken_voc_file_is_told(tmp_path: Path, issues: Issues, body: str) -> None:
    (tmp_path / "a.xml").write_text(body)
    assert read_voc(tmp_path / "a.xml", "a", SIZE, issues) == ()
    assert [issue.kind for issue in issues.found] == ["bad-label"]


def supervisely(*objects: tuple[str, str, list[list[int]]]) -> str:
    items = [
        {"classTitle": title, "geometryType": geometry, "points": {"exterior": points, "interior": []}}
        for title, geometry, points in objects
    ]
    return json.dumps({"size": {"width": 100, "height": 200}, "objects": items})


def test_a_polygon_becomes_its_box_and_the_axis_is_left_out(tmp_path: Path, issues: Issues) -> None:
    (tmp_path / "a.json").write_text(
        supervisely(
            ("axis", "line", [[10, 0], [10, 200]]),
            ("periostealreaction", "polygon", [[25, 60], [50, 50], [30, 100]]),
            ("text", "rectangle", [[0, 0], [10, 20]]),
        )
    )
    polygon, rectangle = read_supervisely(tmp_path / "a.json", "a", SIZE, issues)
    assert (polygon.label, polygon.box) == ("periostealreaction", (0.25, 0.25, 0.5, 0.5))
    assert rectangle.box == (0.0, 0.0, 0.1, 0.1)
    assert [issue.kind for issue in issues.found] == ["left-out-object"]


@pytest.mark.parametrize("body", ["{", "{}", '{"objects": [{}], "size": {"width": 1, "height": 1}}'])
def test_a_broken_supervisely_file_is_told(tmp_path: Path, issues: Issues, body: str) -> None:
    (tmp_path / "a.json").write_text(body)
    assert read_supervisely(tmp_path / "a.json", "a", SIZE, issues) == ()
    assert [issue.kind for issue in issues.found] == ["bad-label"]


def test_a_label_file_that_is_no_text_is_told(tmp_path: Path, issues: Issues) -> None:
    (tmp_path / "a.txt").write_bytes(b"0 \xff")
    assert read_yolo(tmp_path / "a.txt", "a", None, issues) == ()
    assert [issue.kind for issue in issues.found] == ["bad-label"]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_yolo_lines_with_a_byte_order_mark_are_read(tmp_path: Path, mark: bytes) -> None:
    (tmp_path / "a.txt").write_bytes(mark + b"3 0.5 0.5 0.2 0.2\r\n")
    issues = Issues()
    (found,) = read_yolo(tmp_path / "a.txt", "a", None, issues)
    assert (found.label, issues.found) == (3, [])


def test_a_voc_file_in_an_encoding_that_is_not_its_own_is_an_issue_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(b'<?xml version="1.0" encoding="gb2312"?><annotation>\xff\xff</annotation>')
    issues = Issues()
    assert read_voc(tmp_path / "a.xml", "a", (10, 10), issues) == ()
    (issue,) = issues.found
    assert (issue.kind, issue.place) == ("bad-label", "a.xml")
