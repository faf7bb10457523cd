"""YOLO: a text file an image, ``class centre-x centre-y width height`` as shares of the image, and the class names.

As GRAZPEDWRI-DX has it: six decimals, no newline at the end, an empty file where nothing was found, ``meta.yaml`` with
the names in the order of the numbers.
"""

from __future__ import annotations

from pathlib import Path

from carpal.records.jsonl import write_whole
from carpal.records.record import Record
from carpal.records.writers.classes import Classes, classes_of
from carpal.records.writers.writer import Entry


def yolo_label(record: Record) -> bytes:
    """The label file of one image; a box within 0.5e-6 of the image's width and height."""
    numbers = {label: index for index, label in enumerate(classes_of(record))}
    width, height = record.source.width_px, record.source.height_px
    lines = []
    for finding in record.findings:
        box = finding.box
        centre_x, centre_y = (box.x0 + box.x1) / 2 / width, (box.y0 + box.y1) / 2 / height
        size_x, size_y = (box.x1 - box.x0) / width, (box.y1 - box.y0) / height
        lines.append(f"{numbers[finding.label]} {centre_x:.6f} {centre_y:.6f} {size_x:.6f} {size_y:.6f}")
    return "\n".join(lines).encode()


def meta_yaml(names: tuple[str, ...]) -> bytes:
    """The class names, as the dataset's own file has them."""
    quoted = ", ".join("'" + name.replace("'", "''") + "'" for name in names)
    return f"nc: {len(names)}\nnames: [{quoted}]\n".encode()


class YoloNames:
    """Writes yolo/meta.yaml when the run ends."""

    def __init__(self, out: Path) -> None:
        self._path = out / "yolo" / "meta.yaml"
        self._classes = Classes()

    def open(self) -> None:
        """Nothing is written before the end."""

    def add(self, entry: Entry) -> None:
        """Hold the record to the classes of the run."""
        self._classes.check(entry.record)

    def close(self) -> None:
        """Write the names."""
        write_whole(self._path, meta_yaml(self._classes.names))
