"""The picture of the README: one real radiograph with its findings, beside the record that says them.

    python -m tools.readme_picture IMAGE docs/readme-result.png

The committed one shows 2895_0399447864_01_WRI-L2_F012 of GRAZPEDWRI-DX (Nagy et al., Sci Data 9:222, 2022; CC BY 4.0).
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import orjson
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import carpal
from carpal.records.picture import draw
from carpal.records.record import Record

WIDTH_IN, HEIGHT_IN, DOTS = 11.0, 6.2, 110
SHOWN = 2  # findings in the excerpt, so that it fits
GROUND, INK, QUIET = "#111418", "#e8eaed", "#9aa0a6"


def main(image: Path, target: Path) -> None:
    """Detect with the starter and draw."""
    radiograph = carpal.read(image)
    record = carpal.open_model("starter").detect(radiograph)
    picture = np.asarray(cv2.imdecode(np.frombuffer(draw(radiograph, record), np.uint8), cv2.IMREAD_COLOR_RGB))
    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), facecolor=GROUND)
    left = figure.add_axes((0.01, 0.02, 0.40, 0.96))
    left.imshow(picture)
    left.set_axis_off()
    figure.text(0.44, 0.965, "carpal.record/v1 (shortened)", color=QUIET, fontsize=11, va="top")
    figure.text(0.44, 0.915, excerpt(record), color=INK, fontsize=10, family="monospace", va="top", linespacing=1.25)
    FigureCanvasAgg(figure).print_figure(target, dpi=DOTS, facecolor=GROUND)


def excerpt(record: Record) -> str:
    """The parts of a record that a reader looks for first, as JSON with one small object a line."""
    said = record.model_dump(mode="json")
    source, model = said["source"], said["model"]
    findings = [
        {
            "label": finding["label"],
            "status": finding["status"],
            "probability": round(finding["probability"], 3),
            "box": [round(place, 1) for place in finding["box"].values()],
        }
        for finding in said["findings"][:SHOWN]
    ]
    more = len(said["findings"]) - len(findings)
    parts = {
        "source": _object({key: source[key] for key in ("name", "laterality", "projection", "width_px", "height_px")}),
        "findings": "[\n"
        + ",\n".join("    " + _object(finding, 6) for finding in findings)
        + (f"\n    ... {more} more" if more else "")
        + "\n  ]",
        "model": _object({key: model[key] for key in ("name", "version", "engine", "precision")}),
        "review": _object({"state": said["review"]["state"]}),
        "not_a_medical_device": "true",
    }
    return "{\n" + ",\n".join(f'  "{key}": {part}' for key, part in parts.items()) + "\n}"


def _object(values: dict[str, object], indent: int = 4) -> str:
    lines = [f'"{key}": {orjson.dumps(value).decode()}' for key, value in values.items()]
    if len(lines) == 1:
        return "{" + lines[0] + "}"
    gap = "\n" + " " * indent
    return "{" + gap + f",{gap}".join(lines) + "\n" + " " * (indent - 2) + "}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
