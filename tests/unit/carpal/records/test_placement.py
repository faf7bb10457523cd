"""Labels stand where they hide nothing, and a scale bar has a round length."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from carpal.records.placement import Rectangle, Sheet, place_labels, scale_bar_mm, touch

SHEET = Sheet(inside=(0, 0, 200, 300), column_x=210, column_rows=range(0, 300, 20), line=18, gap=3)
WHOLE: Rectangle = (0, 0, 200, 300)


@st.composite
def rectangles(draw: st.DrawFn) -> Rectangle:
    x, y = draw(st.integers(0, 190)), draw(st.integers(0, 290))
    return (x, y, draw(st.integers(x + 1, 200)), draw(st.integers(y + 1, 300)))


@settings(deadline=None)
@given(st.lists(st.tuples(rectangles(), st.integers(20, 150)), max_size=25))
def test_no_label_lies_on_a_box_or_on_another_label(findings: list[tuple[Rectangle, int]]) -> None:
    boxes, widths = [box for box, _ in findings], [width for _, width in findings]
    spots = place_labels(boxes, widths, SHEET)
    assert len(spots) == len(boxes) or sum(spot.leader for spot in spots) == len(SHEET.column_rows)
    assert not any(touch(spot.place, box) for spot in spots for box in boxes)
    assert not any(touch(first.place, second.place) for first, second in combinations(spots, 2))
    for spot, width in zip(spots, widths, strict=False):
        left, top, right, bottom = spot.place
        assert (right - left, bottom - top) == (width, 18)
        assert (left == 210) if spot.leader else (left >= 0 and right <= 200 and top >= 0 and bottom <= 300)


def test_a_label_stands_above_its_box_where_that_is_free() -> None:
    (spot,) = place_labels([(50, 100, 120, 160)], [60], SHEET)
    assert spot.place == (50, 79, 110, 97)
    assert not spot.leader


def test_without_room_beside_the_box_it_stands_in_the_row_nearest_to_its_middle() -> None:
    (spot,) = place_labels([WHOLE], [60], SHEET)
    assert spot.place == (210, 140, 270, 158)
    assert spot.leader


def test_past_a_full_column_boxes_have_no_label() -> None:
    assert len(place_labels([WHOLE] * 40, [60] * 40, SHEET)) == 15


def test_rectangles_that_share_an_edge_do_not_touch() -> None:
    assert not touch((0, 0, 10, 10), (10, 0, 20, 10))
    assert touch((0, 0, 10, 10), (9, 9, 20, 20))


def test_a_scale_bar_has_the_longest_round_length_that_fits() -> None:
    assert scale_bar_mm(4.0, 250) == 50
    assert scale_bar_mm(1.0, 99.9) == 50
    assert scale_bar_mm(30.0, 20) is None
