"""Figures as a reader wants them, tables with their numbers in full."""

from __future__ import annotations

import base64
import csv
from io import StringIO

import pytest

from carpal.reports.blocks import Drawing, Fact, Figure, Panels, Photo, Section, Source, Table, shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "\u2013"),
        (0.83124, "0.831"),
        (12.0, "12"),
        (0.5, "0.5"),
        (123.456, "123"),
        (12345.6, "12\u202f346"),
        (1234567, "1\u202f234\u202f567"),
        (0.0000123, "1.23e-05"),
        (True, "yes"),
        ("onnxruntime", "onnxruntime"),
    ],
)
def test_values_are_shown_to_three_digits(value: str | float | None, text: str) -> None:
    assert shown(value) == text
    assert Fact("x", value).shown == text


def test_the_csv_of_a_table_has_the_values_in_full_and_survives_commas() -> None:
    table = Table(("class, or label", "AP50 (1)"), (("metal", 0.123456789), ('a "b"', None)), "classes")
    kind, _, body = table.csv_uri().partition(";base64,")
    rows = list(csv.reader(StringIO(base64.b64decode(body).decode())))
    assert kind == "data:text/csv;charset=utf-8"
    assert rows == [["class, or label", "AP50 (1)"], ["metal", "0.123456789"], ['a "b"', ""]]


def test_columns_of_numbers_are_known_also_with_gaps() -> None:
    table = Table(("name", "value"), (("a", 1.0), ("b", None)))
    assert [table.numeric(column) for column in (0, 1)] == [False, True]


def test_a_row_that_does_not_fit_its_heads_is_refused() -> None:
    with pytest.raises(ValueError, match="a row of 3 cells under 2 heads"):
        Table(("a", "b"), ((1, 2, 3),))


def test_a_figure_knows_its_plots_and_its_width() -> None:
    small, large = Drawing("<svg/>", "small", 400), Drawing("<svg/>", "large", 960)
    photo = Photo(b"x", "image/jpeg", "bones", 100, 50)
    source = Source("file.csv")
    assert Figure(small, "", source).drawings == (small,)
    assert Figure(Panels((small, large)), "", source).drawings == (small, large)
    assert Figure(photo, "", source).drawings == ()
    broad = Drawing("<svg/>", "a wrist with labels beside it", 500, photo=True)
    assert [Figure(one, "", source).span for one in (small, large, photo, broad)] == ["", "wide", "", "broad"]
    assert Figure(Panels((small,)), "", source).span == "wide"
    assert [Figure(one, "", source).photo for one in (small, photo, broad)] == [False, True, True]
    assert photo.uri == "data:image/jpeg;base64,eA=="


def test_a_source_that_all_facts_share_is_known() -> None:
    here, there = Source("a.json", "carpal x"), Source("b.json")
    same = Section("s", facts=(Fact("x", 1, "", here), Fact("y", 2, "", Source("a.json", "carpal x"))))
    assert same.common_source == here
    assert Section("s", facts=(Fact("x", 1, "", here), Fact("y", 2, "", there))).common_source is None
    assert Section("s").common_source is None
