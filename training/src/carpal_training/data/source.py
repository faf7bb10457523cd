"""What a layout says, before it is checked: the common ground of all readers of layouts."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydicom import dcmread

from carpal.errors import ImageError
from carpal.file_tree import files_below
from carpal.imaging.raster import PNG_SIGNATURE
from carpal.imaging.readers import SUFFIXES, read
from carpal_training.data.exam import Exam
from carpal_training.data.issues import Issues

Corners = tuple[float, float, float, float]
DICOM_SUFFIXES = (".dcm", ".dicom")


@dataclass(frozen=True)
class Annotation:
    """One object as it was written.

    Attributes:
        label: name of the class, or its number.
        box: (x0, y0, x1, y1) as shares of the image's width and height; may reach over the edges.
        place: file and line, for messages.
    """

    label: str | int
    box: Corners
    place: str


@dataclass(frozen=True)
class Polygon:
    """The outline of one object.

    Attributes:
        label: name of the class.
        rings: closed lines, each of (x, y) points as shares of the image's width and height.
    """

    label: str
    rings: tuple[tuple[tuple[float, float], ...], ...]


@dataclass
class Source:
    """What one layout holds.

    Attributes:
        root: its folder; ``title``: what the dataset is called.
        classes: names in the order of their numbers.
        images, sizes: path and (width, height) in pixels of each stem; a size is missing where the head is broken.
        exams: facts of each stem.
        annotations: objects of each stem; a stem that is missing has no label file.
        issues: what the reader noticed.
        parts: train, val, test or none (used in no part) of each stem, if the layout assigns parts.
        unit: what ``Exam.patient`` is: a patient, or a group of images where patients are unknown.
        polygons: outlines of the objects of each stem, if the layout has them. Training uses the boxes.
        digests, prints: SHA-256 and perceptual hash of each image, if the reader computed them.
    """

    root: Path
    title: str
    classes: tuple[str, ...]
    images: Mapping[str, Path]
    sizes: Mapping[str, tuple[int, int]]
    exams: Mapping[str, Exam]
    annotations: Mapping[str, tuple[Annotation, ...]]
    issues: Issues = field(default_factory=Issues)
    parts: Mapping[str, str] = field(default_factory=dict)
    unit: Literal["patient", "group"] = "patient"
    polygons: Mapping[str, tuple[Polygon, ...]] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    prints: Mapping[str, str] = field(default_factory=dict)


def absolute(path: Path) -> Path:
    """The absolute path without ``..``; symbolic links are kept, because they belong to the layout."""
    return Path(os.path.normpath(path.absolute()))


def find_images(folders: Iterable[Path], issues: Issues, suffixes: tuple[str, ...] = SUFFIXES) -> dict[str, Path]:
    """Images below the folders by their stem; a stem that is there twice and a link without a file are issues."""
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(files_below(folder)):
            if path.suffix.lower() not in suffixes:
                continue
            if not path.exists():
                issues.add("missing-image", path.stem, str(path), "the symbolic link leads to no file")
                continue
            if path.stem in found:
                issues.add("mixed-naming", path.stem, str(path), f"{found[path.stem]} has the same name")
                continue
            found[path.stem] = path
    return found


def image_sizes(images: Mapping[str, Path], issues: Issues) -> dict[str, tuple[int, int]]:
    """Width and height of each image; one that cannot be read is an issue."""
    sizes = {}
    for stem, path in images.items():
        try:
            sizes[stem] = image_size(path)
        except ImageError as failure:
            issues.add("unreadable-image", stem, str(path), failure.what)
    return sizes


def image_size(path: Path) -> tuple[int, int]:
    """Width and height in pixels, of a PNG or DICOM file from its head, of others by reading them.

    Raises:
        ImageError: it is no image.
    """
    with path.open("rb") as stream:
        head = stream.read(_PNG_HEAD)
    if head.startswith(PNG_SIGNATURE) and len(head) == _PNG_HEAD and head[12:16] == b"IHDR":
        width, height = struct.unpack(">II", head[16:24])
        return width, height
    if path.suffix.lower() in DICOM_SUFFIXES:
        header = dcmread(path, stop_before_pixels=True, force=True, specific_tags=["Rows", "Columns"])
        if "Rows" in header and "Columns" in header:
            return int(header.Columns), int(header.Rows)
    radiograph = read(path)
    return radiograph.width, radiograph.height


_PNG_HEAD = 24  # signature, length and name of the first chunk, width, height (PNG specification, 11.2.1)
