"""COCO: one JSON or several with images, annotations and categories, and the images below the same folder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from carpal_training.data.issues import Issues
from carpal_training.data.labels import Size, check_size, shares
from carpal_training.data.orientation import find_pictures
from carpal_training.data.patients import PatientRule, exams_of
from carpal_training.data.source import Annotation, Polygon, Source, find_images, image_sizes
from carpal_training.data.text_file import read_text
from carpal_training.errors import DatasetMissingError, TableInvalidError


@dataclass(frozen=True)
class CocoObject:
    """One annotation in pixels.

    Attributes:
        label: name of the category.
        corners: x0, y0, x1, y1.
        rings: the polygons of ``segmentation``, each as x, y, x, y and so on; empty for a run-length mask.
        place: file and number, for messages.
    """

    label: str
    corners: list[float]
    rings: tuple[list[float], ...]
    place: str


def read_coco(root: Path, rule: PatientRule) -> Source:
    """Read every annotation file in the folder or in ``annotations`` below it; they must name the same categories.

    Boxes are [x, y, width, height] in pixels. Crowds are left out. An image without annotations has no findings.

    Raises:
        DatasetMissingError: no annotation file.
        TableInvalidError: a file that is not COCO, or two files with different categories.
        PatientsUnknownError: see ``carpal_training.data.patients``.
    """
    found = coco_documents([*root.glob("*.json"), *root.glob("annotations/*.json")])
    if not found:
        raise DatasetMissingError(
            f"{root} holds no COCO dataset: no JSON with images, annotations and categories is there",
            "It is looked for in the folder itself and in annotations/.",
            "Name the folder that holds the annotation file.",
        )
    issues = Issues()
    classes, objects = merge_documents(found, issues)
    images = {stem: path for stem, path in find_images([root], issues).items() if stem in objects}
    sizes = image_sizes(images, issues)
    pictures = find_pictures(images, sizes, issues, written_sizes(found).get)
    seen = pictures.sizes
    check_sizes(found, seen, issues)
    placed = {
        stem: pictures.annotations(stem, as_annotations(items, seen.get(stem))) for stem, items in objects.items()
    }
    polygons = {
        stem: pictures.polygons(stem, as_polygons(items, seen[stem])) for stem, items in objects.items() if stem in seen
    }
    exams = exams_of(images, rule, issues)
    return Source(root, "", classes, images, sizes, exams, placed, issues, unit=rule.unit, polygons=polygons)


def coco_documents(paths: Iterable[Path]) -> dict[Path, dict[str, Any]]:
    """The COCO files among some JSON files, sorted by path."""
    documents = {path: _document(path) for path in sorted(paths)}
    return {path: body for path, body in documents.items() if body is not None}


def check_sizes(found: Mapping[Path, dict[str, Any]], sizes: Mapping[str, Size], issues: Issues) -> None:
    """Note each image whose size in a file differs from its size in pixels."""
    for path, body in found.items():
        for stem, size in written_sizes({path: body}).items():
            check_size(stem, path.name, size, sizes.get(stem), issues)


def written_sizes(found: Mapping[Path, dict[str, Any]]) -> dict[str, Size]:
    """Width and height that the files give, by stem; of several the last."""
    sizes = {}
    for body in found.values():
        for image in body["images"]:
            width, height = image.get("width"), image.get("height")
            if isinstance(width, int | float) and isinstance(height, int | float):
                sizes[Path(image["file_name"]).stem] = (int(width), int(height))
    return sizes


def as_annotations(objects: Iterable[CocoObject], size: Size | None) -> tuple[Annotation, ...]:
    """Boxes as shares of an image of the given size; none if the size is not known."""
    if size is None:
        return ()
    return tuple(Annotation(item.label, shares(item.corners, size), item.place) for item in objects)


def as_polygons(objects: Iterable[CocoObject], size: Size) -> tuple[Polygon, ...]:
    """Outlines as shares of an image of the given size, of the objects that have one."""
    return tuple(
        Polygon(
            item.label,
            tuple(
                tuple((x / size[0], y / size[1]) for x, y in zip(ring[::2], ring[1::2], strict=True))
                for ring in item.rings
            ),
        )
        for item in objects
        if item.rings
    )


def merge_documents(
    found: Mapping[Path, dict[str, Any]], issues: Issues
) -> tuple[tuple[str, ...], dict[str, list[CocoObject]]]:
    """Class names by category id, and the objects of each stem.

    Raises:
        TableInvalidError: a file that is not COCO, a repeated category name, or files with different
            categories.
    """
    classes: tuple[str, ...] | None = None
    objects: dict[str, list[CocoObject]] = {}
    for path, body in found.items():
        try:
            categories = {int(item["id"]): str(item["name"]) for item in body["categories"]}
            stems = {item["id"]: Path(item["file_name"]).stem for item in body["images"]}
            written = [
                (stems[item["image_id"]], categories[int(item["category_id"])], item) for item in body["annotations"]
            ]
        except (KeyError, TypeError, ValueError) as failure:
            raise TableInvalidError(
                f"{path} is no COCO file: {failure!r}", "An id leads nowhere, or a key is missing.", "Write it again."
            ) from failure
        names = tuple(categories[number] for number in sorted(categories))
        if len(set(names)) != len(names):
            raise TableInvalidError(
                f"{path} has a category twice: {', '.join(names)}",
                "Labels name categories, so each name must be unique.",
                "Remove or rename one, and give its annotations the id of the other.",
            )
        if classes is not None and classes != names:
            raise TableInvalidError(
                f"{path} has the categories {', '.join(names)}, the file before it {', '.join(classes)}",
                "Numbers of classes must mean the same in all files.",
                "Give all files the same categories.",
            )
        classes = names
        for stem in stems.values():
            objects.setdefault(stem, [])
        for number, (stem, name, item) in enumerate(written, start=1):
            place = f"{path.name} annotation {number}"
            if item.get("iscrowd", 0):
                issues.add("left-out-object", stem, place, f"{name}, a crowd")
                continue
            try:
                x, y, width, height = map(float, item["bbox"])
            except (KeyError, TypeError, ValueError):
                issues.add("bad-label", stem, place, f"bbox is {item.get('bbox')!r}, not x, y, width, height")
                continue
            objects[stem].append(CocoObject(name, [x, y, x + width, y + height], _rings(item), place))
    return classes or (), objects


def _rings(item: dict[str, Any]) -> tuple[list[float], ...]:
    """The polygons of an annotation; incomplete ones are skipped."""
    segmentation = item.get("segmentation")
    if not isinstance(segmentation, list):
        return ()
    return tuple(
        [float(value) for value in ring]
        for ring in segmentation
        if isinstance(ring, list)
        and len(ring) >= 6
        and len(ring) % 2 == 0
        and all(isinstance(value, int | float) for value in ring)
    )


def _document(path: Path) -> dict[str, Any] | None:
    """The file's content if it has the three keys of COCO. A byte-order mark and NaN are accepted."""
    try:
        body = json.loads(read_text(path))
    except ValueError:
        return None
    wanted = ("images", "annotations", "categories")
    return body if isinstance(body, dict) and all(isinstance(body.get(key), list) for key in wanted) else None
