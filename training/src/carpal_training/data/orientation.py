"""EXIF orientation: labels that were drawn on the rotated picture, moved to the pixels as carpal reads them.

Viewers and labelling tools apply the EXIF orientation; ``carpal.imaging.readers`` does not. All coordinates are shares
of the width and height, so a position in the picture has a position in the stored pixels.
"""

from __future__ import annotations

import io
from dataclasses import replace

from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from carpal.imaging.raster import PNG_SIGNATURE
from carpal_training.data.source import Annotation, Corners, Polygon

_EXIF_ORIENTATION = 0x0112
_SWAPPED = (5, 6, 7, 8)
"""Orientations in which width and height change places."""


def read_orientation(body: bytes) -> int:
    """The EXIF orientation of a JPEG or PNG file, 1 to 8; 1 (as stored) if the file has none or is of another format.

    The decoders are called directly: ultralytics replaces ``PIL.Image.open`` and lets it install packages.
    """
    decoder = PngImageFile if body.startswith(PNG_SIGNATURE) else JpegImageFile
    try:
        with decoder(io.BytesIO(body)) as image:
            value = image.getexif().get(_EXIF_ORIENTATION, 1)
    except (OSError, ValueError, SyntaxError):
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def displayed_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Width and height of the picture as viewers show it, from those of the stored pixels."""
    return (size[1], size[0]) if orientation in _SWAPPED else size


def stored_point(x: float, y: float, orientation: int) -> tuple[float, float]:
    """The position in the stored pixels of a position in the picture as viewers show it (EXIF 2.32, 4.6.4)."""
    return {
        1: (x, y),
        2: (1 - x, y),
        3: (1 - x, 1 - y),
        4: (x, 1 - y),
        5: (y, x),
        6: (y, 1 - x),
        7: (1 - y, 1 - x),
        8: (1 - y, x),
    }[orientation]


def stored_box(box: Corners, orientation: int) -> Corners:
    """A box in the stored pixels."""
    (x0, y0), (x1, y1) = stored_point(box[0], box[1], orientation), stored_point(box[2], box[3], orientation)
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


def stored_annotations(annotations: tuple[Annotation, ...], orientation: int) -> tuple[Annotation, ...]:
    """Annotations of the picture as viewers show it, in the stored pixels."""
    if orientation == 1:
        return annotations
    return tuple(replace(item, box=stored_box(item.box, orientation)) for item in annotations)


def stored_polygons(polygons: tuple[Polygon, ...], orientation: int) -> tuple[Polygon, ...]:
    """Outlines of the picture as viewers show it, in the stored pixels."""
    if orientation == 1:
        return polygons
    return tuple(
        replace(item, rings=tuple(tuple(stored_point(x, y, orientation) for x, y in ring) for ring in item.rings))
        for item in polygons
    )
