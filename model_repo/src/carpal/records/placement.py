"""Where labels stand on a picture of findings, whatever it is drawn with: outside every box and every other label.

All lengths are in the units of the drawing, x to the right and y down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Rectangle = tuple[float, float, float, float]
"""Left, top, right, bottom."""

BARS_MM = (100, 50, 20, 10, 5, 2, 1)


@dataclass(frozen=True)
class Spot:
    """Where a text stands, and whether that is so far from its box that a line must lead there."""

    place: Rectangle
    leader: bool


@dataclass(frozen=True)
class Sheet:
    """What a picture has room for.

    Attributes:
        inside: labels beside boxes stay within this.
        column_x: the left edge of the labels for which there is no room beside their boxes.
        column_rows: the top of each row of that column.
        line: the height of a label.
        gap: between a label and its box.
    """

    inside: Rectangle
    column_x: float
    column_rows: Sequence[float]
    line: float
    gap: float


def place_labels(boxes: Sequence[Rectangle], widths: Sequence[float], sheet: Sheet) -> list[Spot]:
    """A spot for each label in turn: beside its box where that is free, else the nearest free row of the column.

    Returns:
        As many as there is room for: where the column is full, the boxes that are left have no label.
    """
    spots: list[Spot] = []
    taken = list(boxes)
    free = list(sheet.column_rows)
    for box, width in zip(boxes, widths, strict=True):
        place = _beside(box, width, sheet, taken)
        leader = place is None
        if place is None:
            if not free:
                break
            top = min(free, key=lambda row: abs(row + sheet.line / 2 - (box[1] + box[3]) / 2))
            free.remove(top)
            place = (sheet.column_x, top, sheet.column_x + width, top + sheet.line)
        taken.append(place)
        spots.append(Spot(place, leader))
    return spots


def touch(first: Rectangle, second: Rectangle) -> bool:
    """Whether two rectangles share more than an edge."""
    return first[0] < second[2] and second[0] < first[2] and first[1] < second[3] and second[1] < first[3]


def scale_bar_mm(px_per_mm: float, room_px: float) -> int | None:
    """The longest round length that fits; None where even a millimetre does not."""
    return next((mm for mm in BARS_MM if mm * px_per_mm <= room_px), None)


def _beside(box: Rectangle, width: float, sheet: Sheet, taken: Sequence[Rectangle]) -> Rectangle | None:
    """The first free place above, below, right or left of a box."""
    x0, y0, x1, y1 = box
    above, below = y0 - sheet.gap - sheet.line, y1 + sheet.gap
    corners = (
        (x0, above),
        (x1 - width, above),
        (x0, below),
        (x1 - width, below),
        (x1 + sheet.gap, y0),
        (x0 - sheet.gap - width, y0),
    )
    left, top, right, bottom = sheet.inside
    for x, y in corners:
        place = (x, y, x + width, y + sheet.line)
        inside = left <= place[0] and top <= place[1] and place[2] <= right and place[3] <= bottom
        if inside and not any(touch(place, other) for other in taken):
            return place
    return None
