"""A radiograph with its findings as a drawing for a page: on black, at true aspect, labels outside the boxes.

Confirmed findings have a solid box, possible ones a dashed box. Boxes and labels are vectors, so they stay sharp at any
size; the pixels are a JPEG inside the drawing.
"""

from __future__ import annotations

from html import escape

import cv2
import numpy as np
from numpy.typing import NDArray

from carpal.imaging.preprocess import PercentileStretch
from carpal.imaging.radiograph import Radiograph
from carpal.records.palette import colour_of
from carpal.records.placement import Rectangle, Sheet, Spot, place_labels, scale_bar_mm
from carpal.records.record import Finding, Record
from carpal.reports.blocks import Drawing, data_uri

WIDTH_PX, HEIGHT_PX = 360, 440
"""The radiograph is fitted into this; the drawing is a little larger where labels or a scale bar need room."""

_FONT_PX, _LINE_PX, _GLYPH_PX, _GAP_PX, _FOOT_PX = 12, 17, 7.2, 3, 26
_DENSITY = 2
_JPEG_QUALITY = 82


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
    boxes = [_box(one, scale, scale * tall) for one in record.findings]
    spots = place_labels(boxes, [_text_px(one) for one in record.findings], _sheet(width, height, len(boxes)))
    colours = {one.label: _hex(index) for index, one in enumerate(record.conclusions)}
    drawn = list(zip(record.findings, boxes, spots, strict=True))
    parts = [_image(radiograph, width, height)]
    parts += [_outline(finding, box, colours[finding.label]) for finding, box, _ in drawn]
    parts += [_label(finding, box, spot, colours[finding.label]) for finding, box, spot in drawn]
    right = max([width] + [spot.place[2] for spot in spots])
    bottom = max([height] + [spot.place[3] for spot in spots])
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


def _box(finding: Finding, x_scale: float, y_scale: float) -> Rectangle:
    box = finding.box
    return (box.x0 * x_scale, box.y0 * y_scale, box.x1 * x_scale, box.y1 * y_scale)


def _sheet(width: float, height: float, findings: int) -> Sheet:
    """Beside the boxes labels stay on the radiograph; the column has a row for each finding, below it if need be."""
    pitch = _LINE_PX + _GAP_PX
    rows = [row * pitch for row in range(max(int(height / pitch), findings))]
    return Sheet((0, 0, width, height), column_x=width + 18, column_rows=rows, line=_LINE_PX, gap=_GAP_PX)


def _words(finding: Finding) -> str:
    return f"{finding.label} {finding.probability:.2f}"


def _text_px(finding: Finding) -> float:
    return len(_words(finding)) * _GLYPH_PX + 12


def _outline(finding: Finding, box: Rectangle, colour: str) -> str:
    x0, y0, x1, y1 = box
    dashes = ' stroke-dasharray="5 4"' if finding.status == "possible" else ""
    place = f'x="{x0:.1f}" y="{y0:.1f}" width="{x1 - x0:.1f}" height="{y1 - y0:.1f}"'
    return f'<rect {place} fill="none" stroke="{colour}" stroke-width="1.8"{dashes}/>'


def _label(finding: Finding, box: Rectangle, spot: Spot, colour: str) -> str:
    left, top, right, bottom = spot.place
    leader = ""
    if spot.leader:
        middle = (box[1] + box[3]) / 2
        leader = f'<path d="M{box[2]:.1f} {middle:.1f}L{left - 3:.1f} {(top + bottom) / 2:.1f}" stroke="{colour}"/>'
    size = f'y="{top:.1f}" height="{_LINE_PX}"'
    ground = f'<rect x="{left:.1f}" {size} width="{right - left:.1f}" fill="#000" opacity="0.7"/>'
    mark = f'<rect x="{left:.1f}" {size} width="4" fill="{colour}"/>'
    words = escape(_words(finding))
    return f'{leader}{ground}{mark}<text x="{left + 8:.1f}" y="{bottom - 4.5:.1f}" fill="#fff">{words}</text>'


def _scale_bar(px_per_mm: float, width: float, height: float) -> str:
    """The longest round length that fits in half the width; nothing where even the shortest does not."""
    length_mm = scale_bar_mm(px_per_mm, width / 2)
    if length_mm is None:
        return ""
    y, end = height + _FOOT_PX / 2, 4 + length_mm * px_per_mm
    line = f"M4 {y - 4:.1f}v8M4 {y:.1f}H{end:.1f}M{end:.1f} {y - 4:.1f}v8"
    bar = f'<path d="{line}" stroke="#eee" stroke-width="1.5" fill="none"/>'
    return f'{bar}<text x="{end + 6:.1f}" y="{y + 4:.1f}" fill="#eee">{length_mm} mm</text>'


def _hex(index: int) -> str:
    blue, green, red = colour_of(index)
    return f"#{red:02x}{green:02x}{blue:02x}"
