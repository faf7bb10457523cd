"""What a layout says, before it is checked: the common ground of all readers of layouts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from carpal.imaging.readers import SUFFIXES
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
    """

    root: Path
    title: str
    classes: tuple[str, ...]
    images: Mapping[str, Path]
    sizes: Mapping[str, tuple[int, int]]
    exams: Mapping[str, Exam]
    annotations: Mapping[str, tuple[Annotation, ...]]
    issues: Issues = field(default_factory=Issues)


def find_images(folders: Iterable[Path], issues: Issues, suffixes: tuple[str, ...] = SUFFIXES) -> dict[str, Path]:
    """Images below the folders by their stem; a stem that is there twice is an issue."""
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() not in suffixes or path.name.startswith("."):
                continue
            if path.stem in found:
                issues.add("mixed-naming", path.stem, str(path), f"{found[path.stem]} has the same name")
                continue
            found[path.stem] = path
    return found


def image_sizes(images: Mapping[str, Path], issues: Issues) -> dict[str, tuple[int, int]]:
    """Width and height from the heads of the files; a broken head is an issue."""
    sizes = {}
    for stem, path in images.items():
        try:
            sizes[stem] = image_size(path)
        except (OSError, ValueError, UnidentifiedImageError) as failure:
            issues.add("unreadable-image", stem, str(path), str(failure) or type(failure).__name__)
    return sizes


def image_size(path: Path) -> tuple[int, int]:
    """Width and height in pixels, without decoding the image.

    Raises:
        OSError, ValueError: it has no readable head.
    """
    if path.suffix.lower() not in DICOM_SUFFIXES:
        with Image.open(path) as image:
            return int(image.width), int(image.height)
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    try:
        header = dcmread(path, stop_before_pixels=True, specific_tags=["Rows", "Columns"])
        return int(header.Columns), int(header.Rows)
    except (InvalidDicomError, AttributeError) as failure:
        raise ValueError(f"no DICOM image: {failure}") from failure
