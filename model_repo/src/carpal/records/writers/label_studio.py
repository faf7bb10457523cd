"""Label Studio: tasks with predictions, to be imported and corrected by a person.

Boxes are in percent (0 to 100) of the image, as Label Studio has them. ``config.xml`` beside the tasks is the labelling
interface for the classes of the model.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from carpal.records.growing import JsonList
from carpal.records.jsonl import write_whole
from carpal.records.record import Finding, Record
from carpal.records.writers.classes import Classes
from carpal.records.writers.writer import Entry

FROM, TO = "label", "image"
LOCAL_FILES = "/data/local-files/?d="
"""Where Label Studio serves files of its own machine from (LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED)."""


def task(record: Record, path: Path) -> dict[str, Any]:
    """One image with its prediction; the prediction's score is that of the strongest finding, 0 without any."""
    return {
        "data": {TO: LOCAL_FILES + quote(path.as_posix(), errors="surrogateescape"), "record": record.id},
        "predictions": [
            {
                "model_version": f"{record.model.name}:{record.model.version}",
                "score": max((finding.probability for finding in record.findings), default=0.0),
                "result": [_region(index, finding, record) for index, finding in enumerate(record.findings)],
            }
        ],
    }


def label_config(names: tuple[str, ...]) -> bytes:
    """The labelling interface: an image and rectangles with these names."""
    labels = "".join(f"\n    <Label value={quoteattr(name)}/>" for name in names)
    return (
        f'<View>\n  <Image name="{TO}" value="${TO}" zoom="true"/>\n'
        f'  <RectangleLabels name="{FROM}" toName="{TO}">{labels}\n  </RectangleLabels>\n</View>\n'
    ).encode()


def _region(index: int, finding: Finding, record: Record) -> dict[str, Any]:
    width, height, box = record.source.width_px, record.source.height_px, finding.box
    return {
        "id": f"{record.id}-{index}",
        "type": "rectanglelabels",
        "from_name": FROM,
        "to_name": TO,
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "score": finding.probability,
        "value": {
            "x": 100.0 * box.x0 / width,
            "y": 100.0 * box.y0 / height,
            "width": 100.0 * (box.x1 - box.x0) / width,
            "height": 100.0 * (box.y1 - box.y0) / height,
            "rotation": 0,
            "rectanglelabels": [finding.label],
        },
    }


class LabelStudioTasks:
    """Writes label-studio/tasks.json and label-studio/config.xml."""

    def __init__(self, out: Path) -> None:
        self._folder = out / "label-studio"
        self._tasks = JsonList(self._folder / "tasks.json")
        self._classes = Classes()

    def open(self) -> None:
        """Begin the list of tasks."""
        self._tasks.open()

    def add(self, entry: Entry) -> None:
        """One task."""
        self._classes.check(entry.record)
        self._tasks.add([task(entry.record, entry.path)])

    def close(self) -> None:
        """Publish the tasks and their interface."""
        self._tasks.close()
        write_whole(self._folder / "config.xml", label_config(self._classes.names))
