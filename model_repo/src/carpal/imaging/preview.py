"""A picture of what a chain does to a radiograph: the image after each step, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from carpal.imaging.preprocess import Scale, Stage

Canvas = NDArray[np.uint8]

PANEL_PX = 420
GAP_PX = 12
LINE_PX = 18
PANELS_A_ROW = 5
GROUND = 70
"""Grey level around the images, so that their own black borders are seen."""
_WHITE, _DIM = 245, 185
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_LETTERS_A_LINE = 52
_THINGS_SHOWN = 4


@dataclass(frozen=True)
class Panel:
    """One image with its title in white and what more there is to say in grey."""

    title: str
    lines: tuple[str, ...]
    pixels: NDArray[Any]


def panels(source: NDArray[Any], stages: Sequence[Stage], *, every_step: bool) -> list[Panel]:
    """The source and the image after each step, or after the last one alone."""
    shown = [Panel("source", _lines("as read, whole range", source), source)]
    for number, stage in enumerate(stages, start=1):
        if every_step or number == len(stages):
            shown.append(_panel(number, stage))
    return shown


def draw(shown: Sequence[Panel]) -> bytes:
    """An 8-bit grey PNG, at most five panels a row; images keep their aspect."""
    rows = [shown[start : start + PANELS_A_ROW] for start in range(0, len(shown), PANELS_A_ROW)]
    columns = max(len(row) for row in rows)
    _, body = cv2.imencode(".png", np.vstack([_row(row, columns) for row in rows]))
    return body.tobytes()


def _panel(number: int, stage: Stage) -> Panel:
    parameters = ", ".join(f"{key} {_plain(value)}" for key, value in stage.step.parameters.items())
    found = stage.step.finds(stage.given)
    more = (f"and {len(found) - _THINGS_SHOWN} more",) if len(found) > _THINGS_SHOWN else ()
    lines = _lines(parameters or "no parameters", stage.pixels)
    return Panel(f"{number} {stage.step.name}", (*lines, *found[:_THINGS_SHOWN], *more), stage.pixels)


def _lines(first: str, pixels: NDArray[Any]) -> tuple[str, ...]:
    height, width = pixels.shape
    return (*wrap(first, _LETTERS_A_LINE), f"{width} x {height} px, {pixels.dtype}")


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "+".join(map(str, value)) if isinstance(value, list) else str(value)


def _row(row: Sequence[Panel], columns: int) -> Canvas:
    texts = [(panel.title, *panel.lines) for panel in row]
    head_px = GAP_PX + LINE_PX * max(len(lines) for lines in texts) + GAP_PX
    canvas = np.full((head_px + PANEL_PX + GAP_PX, GAP_PX + columns * (PANEL_PX + GAP_PX)), GROUND, np.uint8)
    for index, (panel, lines) in enumerate(zip(row, texts, strict=True)):
        left = GAP_PX + index * (PANEL_PX + GAP_PX)
        for place, line in enumerate(lines):
            foot = (left, GAP_PX + (place + 1) * LINE_PX - 5)
            letters = line.encode("ascii", "replace").decode()  # OpenCV's strokes know ASCII alone
            cv2.putText(canvas, letters, foot, _FONT, 0.45, _DIM if place else _WHITE, 1, cv2.LINE_AA)
        image = _fitted(panel.pixels)
        height, width = image.shape
        canvas[head_px : head_px + height, left : left + width] = image
    return canvas


def _fitted(pixels: NDArray[Any]) -> Canvas:
    """Eight bits, fitted into a panel; sixteen bits are shown over their whole range, as later steps see them."""
    height, width = pixels.shape
    ratio = min(PANEL_PX / width, PANEL_PX / height)
    size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    image: Canvas
    image, _ = Scale().apply(pixels)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if ratio < 1 else cv2.INTER_NEAREST).astype(np.uint8)
