"""The annotated picture: a radiograph on black at its true aspect, its findings, and what the record says above it.

Confirmed findings have a solid box, possible ones a dashed box. A label stands outside every box, beside its own where
there is room, else in a column at the right with a line to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from carpal.imaging.preprocess import PercentileStretch
from carpal.imaging.radiograph import Radiograph
from carpal.records.palette import Colour, colour_of
from carpal.records.record import Finding, PixelSpacing, Record

Canvas = NDArray[np.uint8]
Rectangle = tuple[int, int, int, int]

LONGER_SIDE_PX = 1000
MARGIN_PX = 28
COLUMN_PX = 230
NARROWEST_PX = 640
HEADER_PX = 60
FOOTER_PX = 40
LINE_PX = 22
WHITE: Colour = (240, 240, 240)
DIM: Colour = (160, 160, 160)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_SIZE = 0.5
_DASH_PX = 8
_BARS_MM = (100, 50, 20, 10, 5, 2, 1)


@dataclass(frozen=True)
class _Frame:
    """Where the radiograph lies on the canvas, and how it was scaled."""

    left: int
    top: int
    width: int
    height: int
    x_scale: float
    y_scale: float

    def place(self, finding: Finding) -> Rectangle:
        """The box of a finding on the canvas, cut at its border: a record of a service may say anything."""
        box = finding.box
        return (*self._point(box.x0, box.y0), *self._point(box.x1, box.y1))

    def _point(self, x: float, y: float) -> tuple[int, int]:
        column = min(max(round(x * self.x_scale), -self.left), self.width + MARGIN_PX)
        row = min(max(round(y * self.y_scale), -self.top), self.height + FOOTER_PX)
        return self.left + column, self.top + row


@dataclass(frozen=True)
class _Label:
    """A text, where it stands on the canvas, and from where a line leads to it if that is not beside its box."""

    finding: Finding
    text: str
    place: Rectangle
    line: tuple[int, int] | None


def draw(radiograph: Radiograph, record: Record) -> bytes:
    """An 8-bit colour PNG; the same input gives the same bytes with the same OpenCV."""
    frame = _frame(radiograph)
    boxes = [frame.place(finding) for finding in record.findings]
    labels = _plan_labels(frame, record.findings, boxes)
    colours = {conclusion.label: colour_of(index) for index, conclusion in enumerate(record.conclusions)}
    canvas = _canvas(radiograph, frame, column=any(label.line for label in labels))
    for finding, box in zip(record.findings, boxes, strict=True):
        _draw_box(canvas, box, colours[finding.label], dashed=finding.status == "possible")
    for label in labels:
        _draw_label(canvas, label, colours[label.finding.label])
    _draw_header(canvas, record)
    if spacing := record.source.pixel_spacing:
        _draw_scale_bar(canvas, frame, spacing)
    _, body = cv2.imencode(".png", canvas)
    return body.tobytes()


def _frame(radiograph: Radiograph) -> _Frame:
    """Scaled to 1000 px on the longer side; rows and columns apart where their spacing differs."""
    spacing = radiograph.source.pixel_spacing
    tall = spacing.row_mm / spacing.column_mm if spacing else 1.0
    scale = LONGER_SIDE_PX / max(radiograph.width, radiograph.height * tall)
    width, height = max(1, round(radiograph.width * scale)), max(1, round(radiograph.height * tall * scale))
    return _Frame(MARGIN_PX, HEADER_PX, width, height, width / radiograph.width, height / radiograph.height)


def _canvas(radiograph: Radiograph, frame: _Frame, *, column: bool) -> Canvas:
    grey, _ = PercentileStretch().apply(radiograph.pixels)
    method = cv2.INTER_AREA if frame.y_scale < 1 else cv2.INTER_LINEAR
    inner = cv2.resize(grey, (frame.width, frame.height), interpolation=method)
    width = MARGIN_PX + frame.width + MARGIN_PX + (COLUMN_PX if column else 0)
    canvas = np.zeros((HEADER_PX + frame.height + FOOTER_PX, max(width, NARROWEST_PX), 3), np.uint8)
    canvas[frame.top : frame.top + frame.height, frame.left : frame.left + frame.width] = inner[:, :, None]
    return canvas


def _draw_box(canvas: Canvas, box: Rectangle, colour: Colour, *, dashed: bool) -> None:
    x0, y0, x1, y1 = box
    if not dashed:
        cv2.rectangle(canvas, (x0, y0), (x1, y1), colour, 2, cv2.LINE_AA)
        return
    for x in range(x0, x1, 2 * _DASH_PX):
        for y in (y0, y1):
            cv2.line(canvas, (x, y), (min(x + _DASH_PX, x1), y), colour, 2)
    for y in range(y0, y1, 2 * _DASH_PX):
        for x in (x0, x1):
            cv2.line(canvas, (x, y), (x, min(y + _DASH_PX, y1)), colour, 2)


def _draw_label(canvas: Canvas, label: _Label, colour: Colour) -> None:
    left, top, right, bottom = label.place
    if label.line:
        cv2.line(canvas, label.line, (left - 4, (top + bottom) // 2), colour, 1, cv2.LINE_AA)
    area = canvas[top:bottom, left:right]
    area[:] = area // 3  # darkened, so that it can be read over bright bone without hiding it
    _write(canvas, label.text, (left + 2, bottom - 6), colour)


def _plan_labels(frame: _Frame, findings: tuple[Finding, ...], boxes: list[Rectangle]) -> list[_Label]:
    """A place for each label, strongest first; past a full column the boxes keep their colours and nothing more."""
    labels: list[_Label] = []
    taken = list(boxes)
    column = list(range(frame.top, frame.top + frame.height - LINE_PX, LINE_PX))
    for finding, box in zip(findings, boxes, strict=True):
        text = f"{finding.label} {finding.probability:.2f}"
        place, line = _beside(text, box, frame, taken), None
        if place is None:
            if not column:
                break
            line = (box[2], (box[1] + box[3]) // 2)
            place = _in_column(text, frame, column, line[1])
        taken.append(place)
        labels.append(_Label(finding, text, place, line))
    return labels


def _in_column(text: str, frame: _Frame, free: list[int], y: int) -> Rectangle:
    """The free row of the column nearest to y, which is then taken."""
    top = min(free, key=lambda row: abs(row + LINE_PX // 2 - y))
    free.remove(top)
    left = frame.left + frame.width + MARGIN_PX
    return (left, top, left + _width(text), top + LINE_PX)


def _beside(text: str, box: Rectangle, frame: _Frame, taken: list[Rectangle]) -> Rectangle | None:
    """The first free place above, below, right or left of a box that touches no box and no label."""
    x0, y0, x1, y1 = box
    width, gap = _width(text), 3
    corners = (
        (x0, y0 - gap - LINE_PX),
        (x1 - width, y0 - gap - LINE_PX),
        (x0, y1 + gap),
        (x1 - width, y1 + gap),
        (x1 + gap, y0),
        (x0 - gap - width, y0),
    )
    for left, top in corners:
        place = (left, top, left + width, top + LINE_PX)
        inside = (
            place[0] >= 0
            and place[1] >= frame.top
            and place[2] <= frame.left + frame.width + MARGIN_PX
            and place[3] <= frame.top + frame.height
        )
        if inside and not any(_touch(place, other) for other in taken):
            return place
    return None


def _touch(first: Rectangle, second: Rectangle) -> bool:
    return first[0] < second[2] and second[0] < first[2] and first[1] < second[3] and second[1] < first[3]


def _draw_header(canvas: Canvas, record: Record) -> None:
    said = [f"{one.label} {one.status} {one.probability:.2f}" for one in record.conclusions if one.status != "absent"]
    model = f"{record.model.name}:{record.model.version}" + (" EMULATED, not computed" if record.model.emulated else "")
    room = canvas.shape[1] - 2 * MARGIN_PX
    lines = (
        (", ".join(said) or "nothing found", WHITE),
        (f"{record.source.name or record.id}   {model}   {record.review.state}   not a medical device", DIM),
    )
    for row, (text, colour) in enumerate(lines):
        _write(canvas, _shorten(text, room), (MARGIN_PX, 24 + row * LINE_PX), colour)


def _draw_scale_bar(canvas: Canvas, frame: _Frame, spacing: PixelSpacing) -> None:
    """The longest round length that fits in a third of the width, below the radiograph."""
    px_per_mm = frame.x_scale / spacing.column_mm
    length_mm = next((mm for mm in _BARS_MM if mm * px_per_mm <= frame.width / 3), None)
    if length_mm is None:
        return
    y, end = frame.top + frame.height + FOOTER_PX // 2, frame.left + round(length_mm * px_per_mm)
    for start, stop in (
        ((frame.left, y), (end, y)),
        ((frame.left, y - 5), (frame.left, y + 5)),
        ((end, y - 5), (end, y + 5)),
    ):
        cv2.line(canvas, start, stop, WHITE, 2)
    _write(canvas, f"{length_mm} mm ({spacing.tag})", (end + 10, y + 5), WHITE)


def _write(canvas: Canvas, text: str, place: tuple[int, int], colour: Colour) -> None:
    cv2.putText(canvas, _plain(text), place, _FONT, _SIZE, colour, 1, cv2.LINE_AA)


def _width(text: str) -> int:
    return int(cv2.getTextSize(_plain(text), _FONT, _SIZE, 1)[0][0]) + 4


def _shorten(text: str, room_px: int) -> str:
    if _width(text) <= room_px:
        return text
    while text and _width(text + "...") > room_px:
        text = text[:-1]
    return text + "..."


def _plain(text: str) -> str:
    """OpenCV's strokes know ASCII alone."""
    return text.encode("ascii", "replace").decode()
