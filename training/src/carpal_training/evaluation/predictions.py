"""Predictions in a table: those of another tool, or those that an evaluation left, to be measured again.

Columns: ``filestem``, ``class_id`` or ``class``, ``x_center``, ``y_center``, ``width``, ``height`` (shares of the
image) and ``confidence``; ``split`` where the table has its own parts. An image without a box has one row with an empty
class.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from carpal.detection.postprocess import Detections
from carpal_training.data.table import read_csv, whole
from carpal_training.errors import PredictionsInvalidError
from carpal_training.run import write_whole

_BOX = ("x_center", "y_center", "width", "height")


@dataclass(frozen=True)
class Predictions:
    """Boxes of each image in shares of its sides, strongest first; and the part that the table puts it in."""

    found: dict[str, Detections]
    parts: dict[str, str]


def read_predictions(path: Path, classes: tuple[str, ...]) -> Predictions:
    """Read a table, compressed or not.

    Args:
        path: the file.
        classes: names in the order of ``class_id``.

    Raises:
        PredictionsInvalidError: no such table, or a row that is no box of a known class; the line is named.
    """
    rows = read_csv(path, ("filestem", "confidence", *_BOX), PredictionsInvalidError)
    boxes: dict[str, list[tuple[float, ...]]] = {}
    parts: dict[str, str] = {}
    for line, row in enumerate(rows, start=2):
        stem = row["filestem"]
        own = boxes.setdefault(stem, [])
        if row.get("split"):
            parts[stem] = row["split"].strip()
        named = (row.get("class") or row.get("class_id") or "").strip()
        if not named:
            continue
        try:
            index = classes.index(named) if row.get("class") else whole(named)
            x, y, width, height = (float(row[name]) for name in _BOX)
            confidence = float(row["confidence"])
            if not (0 <= index < len(classes) and 0 <= confidence <= 1):
                raise ValueError(f"class {named}, confidence {confidence}")
        except ValueError as failure:
            raise PredictionsInvalidError(
                f"{path} line {line}: {failure}", f"Classes are {', '.join(classes)}.", "Name the right --classes."
            ) from failure
        own.append((confidence, index, x - width / 2, y - height / 2, x + width / 2, y + height / 2))
    return Predictions({stem: _detections(found) for stem, found in boxes.items()}, parts)


def write_predictions(
    path: Path, stems: Sequence[str], found: Sequence[Detections], sizes: Sequence[tuple[int, int]], part: str
) -> None:
    """Write boxes in source pixels as a compressed table; ``sizes`` are (width, height) of the images."""
    lines = [",".join(("filestem", "split", "class_id", *_BOX, "confidence"))]
    for stem, detections, (width, height) in zip(stems, found, sizes, strict=True):
        if not len(detections):
            lines.append(f"{stem},{part},,,,,,")
        for box, probability, index in zip(
            detections.boxes / np.array([width, height, width, height]),
            detections.probabilities,
            detections.classes,
            strict=True,
        ):
            x0, y0, x1, y1 = box.tolist()
            middle = f"{(x0 + x1) / 2:.7g},{(y0 + y1) / 2:.7g},{x1 - x0:.7g},{y1 - y0:.7g}"
            lines.append(f"{stem},{part},{index},{middle},{probability:.7g}")
    write_whole(path, gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0))


def _detections(rows: list[tuple[float, ...]]) -> Detections:
    table = np.array(sorted(rows, key=lambda row: -row[0]), dtype=np.float64).reshape(-1, 6)
    return Detections(table[:, 2:], table[:, 0], table[:, 1].astype(np.int64))
