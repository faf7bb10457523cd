"""The table that CSV and Parquet share."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.unit.carpal.records.writers.table_samples import BOXES, CLASSES, entry, record

from carpal.records.writers.table import COLUMNS, Type, rows

PAGE = Path(__file__).resolve().parents[5] / "docs/reference/formats.md"
NAMES = [column.name for column in COLUMNS]
PYTHON = {Type.TEXT: str, Type.WHOLE: int, Type.REAL: float, Type.FLAG: bool}


def table(*lines: tuple[object, ...]) -> list[dict[str, object]]:
    return [dict(zip(NAMES, line, strict=True)) for line in lines]


def test_an_image_has_a_row_and_each_finding_has_one():
    image, *findings = table(*rows(entry()))
    assert [line["row"] for line in (image, *findings)] == ["image", "finding", "finding", "finding"]
    assert [line["finding"] for line in (image, *findings)] == [None, 1, 2, 3]
    assert [line["label"] for line in findings] == list(CLASSES)
    assert tuple(findings[0][key] for key in ("x0_px", "y0_px", "x1_px", "y1_px")) == BOXES[0]
    assert (findings[0]["width_mm"], findings[1]["width_mm"]) == (28.9, None)
    assert image["label"] is image["x0_px"] is image["width_mm"] is None
    assert {line["record_id"] for line in (image, *findings)} == {record().id}


def test_an_image_without_findings_is_in_the_table():
    (image,) = table(*rows(entry(kept=record(findings=(), pixel_spacing=None))))
    assert (image["row"], image["row_mm"], image["spacing_tag"]) == ("image", None, None)
    assert image["quality_warnings"] == "blank;clipped"


@pytest.mark.parametrize("column", COLUMNS, ids=NAMES)
def test_a_column_holds_its_type_or_nothing(column):
    place = NAMES.index(column.name)
    values = [line[place] for line in rows(entry()) if line[place] is not None]
    assert all(isinstance(value, PYTHON[column.type] | (int if column.type is Type.REAL else str)) for value in values)


def test_a_file_name_that_is_no_text_is_replaced_by_what_is():
    (image, *_) = table(*rows(entry("odd\udcff.png")))
    assert image["path"] == "odd?.png"


def test_the_page_of_formats_names_every_column_in_order_with_its_type():
    described = re.findall(rf"^\| `(\w+)` \| ({'|'.join(Type)}) \| ", PAGE.read_text(), flags=re.MULTILINE)
    assert described == [(column.name, column.type) for column in COLUMNS]
