"""EXIF orientation: labels that were drawn on the rotated picture, moved to the pixels as carpal reads them.

Viewers and labelling tools apply the EXIF orientation; ``carpal.imaging.readers`` does not. All coordinates are shares
of the width and height, so a position in the picture has a position in the stored pixels.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from carpal.imaging.raster import PNG_SIGNATURE
from carpal_training.data.issues import Issues
from carpal_training.data.source import DICOM_SUFFIXES, Annotation, Corners, Polygon

_EXIF_ORIENTATION = 0x0112
_SWAPPED = (5, 6, 7, 8)
"""Orientations in which width and height change places."""


def read_orientation(body: bytes) -> int:
    """The EXIF orientation of a JPEG or PNG file, 1 to 8; 1 (as stored) if the file has none or is of another format.

    The decoders are called directly: ultralytics replaces ``PIL.Image.open`` and lets it install packages.
    """
    return _orientation(io.BytesIO(body))


@dataclass(frozen=True)
class Pictures:
    """The pictures that the labels of a dataset were drawn on.

    Attributes:
        sizes: width and height in pixels by stem, as the labels see them.
        orientations: EXIF orientation by stem; an image whose labels are in stored pixels is not there.
    """

    sizes: Mapping[str, tuple[int, int]]
    orientations: Mapping[str, int]

    def annotations(self, stem: str, drawn: tuple[Annotation, ...]) -> tuple[Annotation, ...]:
        """Annotations in the stored pixels."""
        return stored_annotations(drawn, self.orientations.get(stem, 1))

    def polygons(self, stem: str, drawn: tuple[Polygon, ...]) -> tuple[Polygon, ...]:
        """Outlines in the stored pixels."""
        return stored_polygons(drawn, self.orientations.get(stem, 1))


def find_pictures(
    images: Mapping[str, Path],
    sizes: Mapping[str, tuple[int, int]],
    issues: Issues,
    written: Callable[[str], tuple[int, int] | None] = lambda _: None,
) -> Pictures:
    """What labels were drawn on: the picture as viewers show it, unless the labels give the size of the stored pixels.

    Args:
        images: path of each stem.
        sizes: width and height of the stored pixels.
        issues: receives each image with an orientation.
        written: width and height that the labels of a stem give; None if they give none.
    """
    orientations = {}
    for stem in images.keys() & sizes.keys():
        orientation = _orientation_of(images[stem])
        if orientation == 1:
            continue
        shown = displayed_size(sizes[stem], orientation)
        as_stored = written(stem) == sizes[stem] != shown
        if not as_stored:
            orientations[stem] = orientation
        frame = "the stored pixels, whose size they give" if as_stored else "the picture as viewers show it"
        issues.add("rotated-image", stem, str(images[stem]), f"EXIF orientation {orientation}, labels of {frame}")
    seen = {stem: displayed_size(size, orientations.get(stem, 1)) for stem, size in sizes.items()}
    return Pictures(seen, orientations)


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


def _orientation_of(path: Path) -> int:
    if path.suffix.lower() in DICOM_SUFFIXES:
        return 1
    with path.open("rb") as stream:
        return _orientation(stream)


def _orientation(stream: BinaryIO) -> int:
    decoder = PngImageFile if stream.read(len(PNG_SIGNATURE)) == PNG_SIGNATURE else JpegImageFile
    stream.seek(0)
    try:
        with decoder(stream) as image:
            value = image.getexif().get(_EXIF_ORIENTATION, 1)
    except (OSError, ValueError, SyntaxError):
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1
