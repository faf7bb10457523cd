"""What people drew on an image, where it lies in a labelled dataset: the truth that findings are compared with.

An image ``DATASET/images_part1/STEM.png`` has its label in ``DATASET/folder_structure/yolov5/labels/STEM.txt``, as in
GRAZPEDWRI-DX and in phantoms; the class names are in ``meta.yaml`` above the labels. Elsewhere images have no labels.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from carpal.records.errors import LabelUnreadableError
from carpal.records.record import Box

FOLDER = Path("folder_structure/yolov5")
_NAMES = re.compile(r"^names\s*:\s*\[(?P<names>[^\]]*)\]", flags=re.MULTILINE)


@dataclass(frozen=True)
class Label:
    """One labelled thing, its box in source pixels."""

    name: str
    box: Box


class Labels:
    """Looks labels up; reads the class names of each dataset once."""

    def __init__(self) -> None:
        self._names: dict[Path, tuple[str, ...]] = {}

    def of(self, image: Path, width_px: int, height_px: int) -> tuple[Label, ...] | None:
        """The labels of an image; none of them where it shows nothing, None where it has no label file.

        Raises:
            LabelUnreadableError: the file, or the list of classes, breaks its form.
        """
        folder = image.parent.parent / FOLDER
        path = folder / "labels" / f"{image.stem}.txt"
        try:
            lines = path.read_text("utf-8").splitlines()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as failure:
            raise _unreadable(path, str(failure)) from failure
        names = self._names_of(folder / "meta.yaml")
        return tuple(_label(line, names, path, width_px, height_px) for line in lines if line.strip())

    def _names_of(self, path: Path) -> tuple[str, ...]:
        if path not in self._names:
            self._names[path] = _read_names(path)
        return self._names[path]


def _read_names(path: Path) -> tuple[str, ...]:
    """The dataset's own file has them in one bracket, which needs no YAML reader."""
    try:
        found = _NAMES.search(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as failure:
        raise _unreadable(path, str(failure)) from failure
    names = tuple(name.strip().strip("'\"") for name in found["names"].split(",")) if found else ()
    if not all(names) or not names or len(set(names)) != len(names):
        raise _unreadable(path, "it has no line `names: [first, second]` with different names")
    return names


def _label(line: str, names: tuple[str, ...], path: Path, width_px: int, height_px: int) -> Label:
    """A line is class, centre, width and height, as shares of the image; what reaches over its edge is cut off."""
    try:
        number, *shares = line.split()
        centre_x, centre_y, width, height = map(float, shares)
        name = names[int(number)] if int(number) >= 0 else None
    except (ValueError, IndexError):
        name = None
    if name is None:
        raise _unreadable(path, f"the line {line!r} is not: class (0 to {len(names) - 1}), x, y, width, height")
    edges = (centre_x - width / 2, centre_y - height / 2, centre_x + width / 2, centre_y + height / 2)
    x0, y0, x1, y1 = (min(max(edge, 0.0), 1.0) for edge in edges)
    return Label(name, Box(x0=x0 * width_px, y0=y0 * height_px, x1=x1 * width_px, y1=y1 * height_px))


def _unreadable(path: Path, what: str) -> LabelUnreadableError:
    return LabelUnreadableError(
        f"{path} is no label file that can be used: {what}",
        "A line is `class x y width height` in shares of the image; meta.yaml names the classes.",
        "Correct the file, or leave coco out of --to.",
    )
