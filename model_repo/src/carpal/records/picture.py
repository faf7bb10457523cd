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
from carpal.records.placement import Sheet, Spot, place_labels, scale_bar_mm
from carpal.records.record import Finding, PixelSpacing, Record

Canvas = NDArray[np.uint8]
Box = tuple[int, int, int, int]

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


@dataclass(frozen=True)
class _Frame:
    """Where the radiograph lies on the canvas, and how it was scaled."""

    left: int
    top: int
    width: int
    height: int
    x_scale: float
    y_scale: float

    def place(self, finding: Finding) -> Box:
        """The box of a finding on the canvas, cut at its border: a record of a service may say anything."""
        box = finding.box
        return (*self._point(box.x0, box.y0), *self._point(box.x1, box.y1))

    def _point(self, x: float, y: float) -> tuple[int, int]:
        column = min(max(round(x * self.x_scale), -self.left), self.width + MARGIN_PX)
        row = min(max(round(y * self.y_scale), -self.top), self.height + FOOTER_PX)
        return self.left + column, self.top + row


def draw(radiograph: Radiograph, record: Record) -> bytes:
    """An 8-bit colour PNG; the same input gives the same bytes with the same OpenCV."""
    frame = _frame(radiograph)
    boxes = [frame.place(finding) for finding in record.findings]
    texts = [f"{finding.label} {finding.probability:.2f}" for finding in record.findings]
    spots = place_labels(boxes, [_width(text) for text in texts], _sheet(frame))
    colours = {conclusion.label: colour_of(index) for index, conclusion in enumerate(record.conclusions)}
    canvas = _canvas(radiograph, frame, column=any(spot.leader for spot in spots))
    for finding, box in zip(record.findings, boxes, strict=True):
        _draw_box(canvas, box, colours[finding.label], dashed=finding.status == "possible")
    for finding, box, text, spot in zip(record.findings, boxes, texts, spots, strict=False):  # a full column has fewer
        _draw_label(canvas, text, spot, box, colours[finding.label])
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


def _draw_box(canvas: Canvas, box: Box, colour: Colour, *, dashed: bool) -> None:
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


def _draw_label(canvas: Canvas, text: str, spot: Spot, box: Box, colour: Colour) -> None:
    left, top, right, bottom = map(int, spot.place)
    if spot.leader:
        start = (box[2], (box[1] + box[3]) // 2)
        cv2.line(canvas, start, (left - 4, (top + bottom) // 2), colour, 1, cv2.LINE_AA)
    area = canvas[top:bottom, left:right]
    area[:] = area // 3  # darkened, so that it can be read over bright bone without hiding it
    _write(canvas, text, (left + 2, bottom - 6), colour)


def _sheet(frame: _Frame) -> Sheet:
    """Labels may stand in the margins at the sides; the column lies beyond the right one."""
    right, bottom = frame.left + frame.width + MARGIN_PX, frame.top + frame.height
    rows = range(frame.top, bottom - LINE_PX, LINE_PX)
    return Sheet((0, frame.top, right, bottom), column_x=right, column_rows=rows, line=LINE_PX, gap=3)


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
    length_mm = scale_bar_mm(px_per_mm, frame.width / 3)
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
