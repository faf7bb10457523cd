"""A radiograph with its findings as a drawing for a page: on black, at true aspect, labels outside the boxes.

Confirmed findings have a solid box, possible ones a dashed box. Boxes and labels are vectors, so they stay sharp at any
size; the pixels are a JPEG inside the drawing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import cv2
import numpy as np
from numpy.typing import NDArray

from carpal.imaging.preprocess import PercentileStretch
from carpal.imaging.radiograph import Radiograph
from carpal.records.palette import colour_of
from carpal.records.record import Finding, Record
from carpal.reports.blocks import Drawing, data_uri

WIDTH_PX, HEIGHT_PX = 360, 440
"""The radiograph is fitted into this; the drawing is a little larger where labels or a scale bar need room."""

_FONT_PX, _LINE_PX, _GLYPH_PX, _GAP_PX, _FOOT_PX = 12, 17, 7.2, 3, 26
_DENSITY = 2
_JPEG_QUALITY = 82
_BARS_MM = (100, 50, 20, 10, 5, 2, 1)

Rectangle = tuple[float, float, float, float]


@dataclass(frozen=True)
class _Label:
    """A finding on the drawing; ``spot`` is where its text stands, ``leader`` where a line to the box is needed."""

    finding: Finding
    box: Rectangle
    spot: Rectangle
    leader: bool


def draw(radiograph: Radiograph, record: Record, *, alt: str | None = None) -> Drawing:
    """The drawing.

    Args:
        radiograph: the pixels.
        record: what was found on them; boxes in source pixels.
        alt: what it shows; by default its name and findings.
    """
    spacing = record.source.pixel_spacing
    tall = spacing.row_mm / spacing.column_mm if spacing else 1.0
    scale = min(WIDTH_PX / radiograph.width, HEIGHT_PX / (radiograph.height * tall))
    width, height = radiograph.width * scale, radiograph.height * tall * scale
    labels = _placed(record.findings, (scale, scale * tall), (width, height))
    colours = {one.label: _hex(index) for index, one in enumerate(record.conclusions)}
    parts = [_image(radiograph, width, height)]
    parts += [_box(label, colours[label.finding.label]) for label in labels]
    parts += [_text(label, colours[label.finding.label]) for label in labels]
    right = max([width] + [label.spot[2] for label in labels])
    bottom = max([height] + [label.spot[3] for label in labels])
    if spacing and (bar := _scale_bar(scale / spacing.column_mm, width, bottom)):
        parts.append(bar)
        bottom += _FOOT_PX
    view = f'<svg viewBox="0 0 {right:.1f} {bottom:.1f}" font-size="{_FONT_PX}">'
    ground = f'<rect width="{right:.1f}" height="{bottom:.1f}" fill="#000"/>'
    return Drawing(view + ground + "".join(parts) + "</svg>", alt or describe(record), round(right), photo=True)


def describe(record: Record) -> str:
    """The record in a sentence: what was found, and how sure."""
    name = record.source.name or "Radiograph"
    said = [f"{finding.label} {finding.probability:.2f} ({finding.status})" for finding in record.findings]
    return f"{name}: " + (", ".join(said) if said else "nothing found")


def _image(radiograph: Radiograph, width: float, height: float) -> str:
    grey, _ = PercentileStretch().apply(radiograph.pixels)
    body = jpeg(grey, round(width * _DENSITY), round(height * _DENSITY))
    size = f'width="{width:.1f}" height="{height:.1f}"'
    return f'<image href="{data_uri(body, "image/jpeg")}" {size} preserveAspectRatio="none"/>'


def jpeg(grey: NDArray[np.uint8], width: int, height: int) -> bytes:
    """Grey pixels as a JPEG of that size, never larger than they are."""
    size = (min(width, grey.shape[1]), min(height, grey.shape[0]))
    _, body = cv2.imencode(
        ".jpg", cv2.resize(grey, size, interpolation=cv2.INTER_AREA), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    )
    return body.tobytes()


def _placed(findings: Sequence[Finding], scale: tuple[float, float], size: tuple[float, float]) -> list[_Label]:
    """Each label beside its box where that is free, else in a column at the right with a leader."""
    boxes = [
        (one.box.x0 * scale[0], one.box.y0 * scale[1], one.box.x1 * scale[0], one.box.y1 * scale[1]) for one in findings
    ]
    taken, labels, column_y = list(boxes), [], 0.0
    for finding, box in zip(findings, boxes, strict=True):
        text_px = len(_words(finding)) * _GLYPH_PX + 12
        spot = _beside(box, text_px, size, taken)
        if spot is None:
            top = max(column_y, (box[1] + box[3] - _LINE_PX) / 2)
            spot = (size[0] + 18, top, size[0] + 18 + text_px, top + _LINE_PX)
            column_y = top + _LINE_PX + _GAP_PX
        taken.append(spot)
        labels.append(_Label(finding, box, spot, spot[0] > size[0]))
    return labels


def _beside(box: Rectangle, text_px: float, size: tuple[float, float], taken: Sequence[Rectangle]) -> Rectangle | None:
    x0, y0, x1, y1 = box
    corners = (
        (x0, y0 - _GAP_PX - _LINE_PX),
        (x1 - text_px, y0 - _GAP_PX - _LINE_PX),
        (x0, y1 + _GAP_PX),
        (x1 - text_px, y1 + _GAP_PX),
        (x1 + _GAP_PX, y0),
        (x0 - _GAP_PX - text_px, y0),
    )
    for left, top in corners:
        spot = (left, top, left + text_px, top + _LINE_PX)
        inside = spot[0] >= 0 and spot[1] >= 0 and spot[2] <= size[0] and spot[3] <= size[1]
        if inside and not any(_touch(spot, other) for other in taken):
            return spot
    return None


def _touch(first: Rectangle, second: Rectangle) -> bool:
    return first[0] < second[2] and second[0] < first[2] and first[1] < second[3] and second[1] < first[3]


def _words(finding: Finding) -> str:
    return f"{finding.label} {finding.probability:.2f}"


def _box(label: _Label, colour: str) -> str:
    x0, y0, x1, y1 = label.box
    dashes = ' stroke-dasharray="5 4"' if label.finding.status == "possible" else ""
    place = f'x="{x0:.1f}" y="{y0:.1f}" width="{x1 - x0:.1f}" height="{y1 - y0:.1f}"'
    return f'<rect {place} fill="none" stroke="{colour}" stroke-width="1.8"{dashes}/>'


def _text(label: _Label, colour: str) -> str:
    left, top, right, bottom = label.spot
    leader = ""
    if label.leader:
        middle = (label.box[1] + label.box[3]) / 2
        leader = (
            f'<path d="M{label.box[2]:.1f} {middle:.1f}L{left - 3:.1f} {(top + bottom) / 2:.1f}" stroke="{colour}"/>'
        )
    size = f'y="{top:.1f}" height="{_LINE_PX}"'
    ground = f'<rect x="{left:.1f}" {size} width="{right - left:.1f}" fill="#000" opacity="0.7"/>'
    mark = f'<rect x="{left:.1f}" {size} width="4" fill="{colour}"/>'
    words = escape(_words(label.finding))
    return f'{leader}{ground}{mark}<text x="{left + 8:.1f}" y="{bottom - 4.5:.1f}" fill="#fff">{words}</text>'


def _scale_bar(px_per_mm: float, width: float, height: float) -> str:
    """The longest round length that fits in half the width; nothing where even the shortest does not."""
    length_mm = next((mm for mm in _BARS_MM if mm * px_per_mm <= width / 2), None)
    if length_mm is None:
        return ""
    y, end = height + _FOOT_PX / 2, 4 + length_mm * px_per_mm
    line = f"M4 {y - 4:.1f}v8M4 {y:.1f}H{end:.1f}M{end:.1f} {y - 4:.1f}v8"
    bar = f'<path d="{line}" stroke="#eee" stroke-width="1.5" fill="none"/>'
    return f'{bar}<text x="{end + 6:.1f}" y="{y + 4:.1f}" fill="#eee">{length_mm} mm</text>'


def _hex(index: int) -> str:
    blue, green, red = colour_of(index)
    return f"#{red:02x}{green:02x}{blue:02x}"
