"""The three forms of FracAtlas' annotations: COCO with polygons, Pascal VOC, YOLO."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, get_args

from carpal_training.data.coco import as_annotations, as_polygons, check_sizes, coco_documents, merge_documents
from carpal_training.data.folders import class_list
from carpal_training.data.fracatlas_table import CLASS
from carpal_training.data.image_files import ImageFile
from carpal_training.data.issues import Issues
from carpal_training.data.labels import Size, read_voc, read_yolo
from carpal_training.data.orientation import displayed_size
from carpal_training.data.source import Annotation, Polygon
from carpal_training.errors import DatasetMissingError, TableInvalidError

AtlasForm = Literal["coco", "voc", "yolo"]
ATLAS_FORMS: tuple[AtlasForm, ...] = get_args(AtlasForm)
FOLDERS: dict[AtlasForm, Path] = {
    "coco": Path("Annotations/COCO JSON"),
    "voc": Path("Annotations/PASCAL VOC"),
    "yolo": Path("Annotations/YOLO"),
}
Labels = tuple[dict[str, tuple[Annotation, ...]], dict[str, tuple[Polygon, ...]]]
"""Annotations and polygons of each stem, as shares of the picture with its EXIF rotation applied."""
_NAMES = {"fractured": CLASS, CLASS: CLASS}


def read_labels(
    root: Path, form: AtlasForm, files: Mapping[str, ImageFile], fractured: set[str], issues: Issues
) -> Labels:
    """Read one form of the annotations.

    Args:
        root: the folder of the dataset.
        form: which form.
        files: the images.
        fractured: stems of the images with fractures, by their folder.
        issues: receives what is wrong with single labels.

    Raises:
        DatasetMissingError: no COCO file.
        TableInvalidError: a COCO file is invalid, or the annotations have other classes than ``fractured``.
    """
    return _READERS[form](root / FOLDERS[form], files, fractured, issues)


def _read_coco(folder: Path, files: Mapping[str, ImageFile], fractured: set[str], issues: Issues) -> Labels:
    """Only fractured images have an entry; the others are images without findings."""
    found = coco_documents(folder.glob("*.json"))
    if not found:
        raise DatasetMissingError(
            f"{folder} holds no COCO file",
            "A JSON with images, annotations and categories is read.",
            "Restore the file, or choose --labels voc or --labels yolo.",
        )
    classes, objects = merge_documents(found, issues)
    _check_classes(classes, folder)
    shown = _displayed(files)
    check_sizes(found, shown, issues)
    annotations: dict[str, tuple[Annotation, ...]] = {stem: () for stem in files if stem not in fractured}
    annotations |= {stem: as_annotations(items, shown.get(stem)) for stem, items in objects.items()}
    polygons = {stem: as_polygons(items, shown[stem]) for stem, items in objects.items() if stem in shown}
    return (
        {stem: _renamed(items) for stem, items in annotations.items()},
        {stem: tuple(Polygon(CLASS, item.rings) for item in items) for stem, items in polygons.items()},
    )


def _read_voc(folder: Path, files: Mapping[str, ImageFile], fractured: set[str], issues: Issues) -> Labels:
    del fractured  # every image has a file
    shown = _displayed(files)
    paths = sorted(folder.glob("*.xml"))
    return {path.stem: _renamed(read_voc(path, path.stem, shown.get(path.stem), issues)) for path in paths}, {}


def _read_yolo(folder: Path, files: Mapping[str, ImageFile], fractured: set[str], issues: Issues) -> Labels:
    del files, fractured  # every image has a file, and shares need no size
    names = folder / "labels.txt"
    if names.is_file():
        _check_classes(class_list(names), names)
    paths = sorted(path for path in folder.glob("*.txt") if path != names)
    return {path.stem: read_yolo(path, path.stem, None, issues) for path in paths}, {}


_READERS: dict[AtlasForm, Callable[[Path, Mapping[str, ImageFile], set[str], Issues], Labels]] = {
    "coco": _read_coco,
    "voc": _read_voc,
    "yolo": _read_yolo,
}


def _displayed(files: Mapping[str, ImageFile]) -> dict[str, Size]:
    return {stem: displayed_size(file.size, file.orientation) for stem, file in files.items()}


def _renamed(annotations: tuple[Annotation, ...]) -> tuple[Annotation, ...]:
    return tuple(Annotation(_NAMES.get(str(item.label), item.label), item.box, item.place) for item in annotations)


def _check_classes(names: tuple[str, ...], place: Path) -> None:
    if len(names) != 1 or names[0] not in _NAMES:
        raise TableInvalidError(
            f"{place} has the classes {', '.join(names) or 'none'}, not fractured",
            "FracAtlas has one class.",
            "Restore the file, or import another layout: coco, voc or yolo.",
        )
