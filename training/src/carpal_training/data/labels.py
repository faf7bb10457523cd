"""Readers of one label file: YOLO text, Pascal VOC XML, Supervisely JSON. Boxes come out as shares of the image."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from carpal_training.data.issues import Issues
from carpal_training.data.source import Annotation, Corners
from carpal_training.data.text_file import read_text, read_xml

Size = tuple[int, int]
Reader = Callable[[Path, str, Size | None, Issues], tuple[Annotation, ...]]
NO_FINDINGS = ("axis",)
"""Supervisely classes that are no findings: the line along the bone, once an image."""


def read_yolo(path: Path, stem: str, size: Size | None, issues: Issues) -> tuple[Annotation, ...]:
    """Lines of ``class x y width height`` in shares of the image; the last line may lack its end."""
    del size  # shares need none
    found = []
    for number, line in enumerate(_text(path, stem, issues).splitlines(), start=1):
        if not line.strip():
            continue
        place = f"{path.name} line {number}"
        try:
            name, *numbers = line.split()
            index, (x, y, width, height) = int(name), map(float, numbers)
        except ValueError:
            issues.add("bad-label", stem, place, f"{line!r} is not: class x y width height")
            continue
        if width < 0 or height < 0 or max(width, height) > 1:
            issues.add("bad-label", stem, place, f"{line!r}: sides are shares of the image, 0 to 1")
            continue
        found.append(Annotation(index, (x - width / 2, y - height / 2, x + width / 2, y + height / 2), place))
    return tuple(found)


def read_voc(path: Path, stem: str, size: Size | None, issues: Issues) -> tuple[Annotation, ...]:
    """A VOC file; in GRAZPEDWRI-DX ``<size/>`` is empty, values are padded, and xmax stands before xmin.

    The size is that of the image; the file's own, where it has one, must be the same.
    """
    if size is None:
        return ()
    try:
        root = read_xml(path)
    except (OSError, ValueError) as failure:
        issues.add("bad-label", stem, path.name, f"no XML: {failure}")
        return ()
    written = _voc_size(root)
    if written:
        check_size(stem, path.name, written, size, issues)
    found = []
    for number, item in enumerate(root.findall("object"), start=1):
        place = f"{path.name} object {number}"
        try:
            corners = [float(item.findtext(f"bndbox/{tag}", "").strip()) for tag in ("xmin", "ymin", "xmax", "ymax")]
        except ValueError:
            issues.add("bad-label", stem, place, "bndbox lacks a number")
            continue
        found.append(Annotation(item.findtext("name", "").strip(), shares(corners, size), place))
    return tuple(found)


def voc_size(path: Path) -> Size | None:
    """Width and height that a VOC file gives; None if it gives none or is no XML."""
    try:
        return _voc_size(read_xml(path))
    except (OSError, ValueError):
        return None


def read_supervisely(path: Path, stem: str, size: Size | None, issues: Issues) -> tuple[Annotation, ...]:
    """A Supervisely file: rectangles, polygons (their bounding box), and objects that are no findings (left out)."""
    try:
        document: Any = json.loads(_text(path, stem, issues))
        objects = [
            (item["classTitle"], item["geometryType"], item["points"]["exterior"]) for item in document["objects"]
        ]
        written = (int(document["size"]["width"]), int(document["size"]["height"]))
    except (ValueError, KeyError, TypeError) as failure:
        issues.add("bad-label", stem, path.name, f"no annotation of Supervisely: {failure!r}")
        return ()
    check_size(stem, path.name, written, size, issues)
    found = []
    for number, (title, geometry, points) in enumerate(objects, start=1):
        place = f"{path.name} object {number}"
        if title in NO_FINDINGS or geometry == "line":
            issues.add("left-out-object", stem, place, f"{title}, a {geometry}")
            continue
        columns, rows = [float(x) for x, _ in points], [float(y) for _, y in points]
        corners = [min(columns), min(rows), max(columns), max(rows)]
        found.append(Annotation(title, shares(corners, size or written), place))
    return tuple(found)


def check_size(stem: str, place: str, written: Size, size: Size | None, issues: Issues) -> None:
    """Note a label file that speaks of an image of another size; 0 x 0 is no size."""
    if size is not None and written != size and min(written) > 0:
        issues.add("size-differs", stem, place, f"{written[0]} x {written[1]} px, the image has {size[0]} x {size[1]}")


def shares(corners: list[float], size: Size) -> Corners:
    """Pixels as shares of the width and height."""
    x0, y0, x1, y1 = corners
    return x0 / size[0], y0 / size[1], x1 / size[0], y1 / size[1]


def _voc_size(root: Element) -> Size | None:
    width, height = (root.findtext(f"size/{tag}", "").strip() for tag in ("width", "height"))
    return (int(width), int(height)) if width.isdigit() and height.isdigit() else None


def _text(path: Path, stem: str, issues: Issues) -> str:
    try:
        return read_text(path)
    except (OSError, UnicodeDecodeError) as failure:
        issues.add("bad-label", stem, path.name, f"cannot be read: {failure}")
        return ""
