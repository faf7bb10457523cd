"""Pictures of the report that are no plots: the contact sheet of phantoms, and a record as text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from carpal.imaging.preprocess import PercentileStretch
from carpal.imaging.readers import read
from carpal.records.record import Record
from carpal.reports.blocks import Photo
from carpal.reports.radiograph import jpeg

COLUMNS = 10
CELL_WIDTH_PX, CELL_HEIGHT_PX = 110, 150
FINDINGS = 6


def contact_sheet(files: Sequence[Path]) -> Photo:
    """Radiographs in rows of ten on black, each at its true aspect."""
    cells = [_cell(path) for path in files]
    cells += [np.zeros_like(cells[0])] * (-len(cells) % COLUMNS)
    rows = [np.hstack(cells[start : start + COLUMNS]) for start in range(0, len(cells), COLUMNS)]
    sheet = np.vstack(rows)
    height, width = sheet.shape
    return Photo(jpeg(sheet, width, height), "image/jpeg", f"{len(files)} synthetic wrist radiographs", width, height)


def _cell(path: Path) -> NDArray[np.uint8]:
    grey, _ = PercentileStretch().apply(read(path).pixels)
    scale = min((CELL_WIDTH_PX - 6) / grey.shape[1], (CELL_HEIGHT_PX - 6) / grey.shape[0])
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    cell = np.zeros((CELL_HEIGHT_PX, CELL_WIDTH_PX), np.uint8)
    top, left = (CELL_HEIGHT_PX - small.shape[0]) // 2, (CELL_WIDTH_PX - small.shape[1]) // 2
    cell[top : top + small.shape[0], left : left + small.shape[1]] = small
    return cell


def excerpt(record: Record) -> str:
    """The record in a dozen lines: source, the strongest findings, model; left-out parts are marked by dots."""
    source, model = record.source, record.model
    lines = ["{", f'  "schema": "{record.schema_}",']
    lines.append(
        f'  "source": {{"name": "{source.name}", "width_px": {source.width_px}, "height_px": {source.height_px}, …}},'
    )
    lines.append('  "findings": [')
    for finding in record.findings[:FINDINGS]:
        box = ", ".join(f"{value:.0f}" for value in (finding.box.x0, finding.box.y0, finding.box.x1, finding.box.y1))
        lines.append(f'    {{"label": "{finding.label}", "probability": {finding.probability:.3f},')
        lines.append(f'     "status": "{finding.status}", "box": [{box}]}},')
    if len(record.findings) > FINDINGS:
        lines.append(f"    … {len(record.findings) - FINDINGS} more")
    lines.append("  ],")
    lines.append(f'  "model": {{"name": "{model.name}", "version": "{model.version}", "engine": "{model.engine}", …}},')
    lines.append('  "not_a_medical_device": true, …')
    lines.append("}")
    return "\n".join(lines)
