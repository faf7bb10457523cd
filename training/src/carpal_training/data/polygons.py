"""Outlines of objects next to the index of an import, for uses other than boxes: polygons.jsonl."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import Field

from carpal.document import Document
from carpal_training.data.source import Polygon
from carpal_training.errors import TableInvalidError
from carpal_training.run import write_whole

POLYGONS = "polygons.jsonl"


class Outline(Document):
    """One object."""

    class_: str = Field(alias="class", description="name of the class")
    rings: tuple[tuple[tuple[float, float], ...], ...] = Field(
        description="closed lines of (x, y) points, shares of the image's width and height, 0 to 1"
    )


class ImageOutlines(Document):
    """One line of the file: an image that has outlines."""

    stem: str
    polygons: tuple[Outline, ...]


def write_polygons(polygons: Mapping[str, tuple[Polygon, ...]], folder: Path) -> None:
    """Write the outlines, or remove an earlier file if there are none. Points are clipped to the image."""
    lines = [
        ImageOutlines(
            stem=stem, polygons=tuple(Outline(class_=item.label, rings=_clipped(item)) for item in items)
        ).to_json()
        for stem, items in sorted(polygons.items())
        if items
    ]
    if lines:
        write_whole(folder / POLYGONS, b"\n".join(lines) + b"\n")
    else:
        (folder / POLYGONS).unlink(missing_ok=True)


def read_polygons(folder: Path) -> dict[str, tuple[Polygon, ...]]:
    """The outlines of each image by its stem; empty if the import has none.

    Raises:
        TableInvalidError: a line that breaks the schema.
    """
    path = folder / POLYGONS
    if not path.is_file():
        return {}
    outlines = [
        ImageOutlines.parse_json(body, source=f"{path} line {number}", error=TableInvalidError)
        for number, body in enumerate(path.read_bytes().splitlines(), start=1)
    ]
    return {item.stem: tuple(Polygon(one.class_, one.rings) for one in item.polygons) for item in outlines}


def _clipped(polygon: Polygon) -> tuple[tuple[tuple[float, float], ...], ...]:
    return tuple(
        tuple((round(min(max(x, 0.0), 1.0), 6), round(min(max(y, 0.0), 1.0), 6)) for x, y in ring)
        for ring in polygon.rings
    )
