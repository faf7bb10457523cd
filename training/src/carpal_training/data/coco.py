"""COCO: one JSON or several with images, annotations and categories, and the images below the same folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from carpal_training.data.issues import Issues
from carpal_training.data.labels import check_size, shares
from carpal_training.data.patients import PatientRule, exams_of
from carpal_training.data.source import Annotation, Source, find_images, image_sizes
from carpal_training.errors import DatasetMissingError, TableInvalidError


def read_coco(root: Path, rule: PatientRule) -> Source:
    """Read every annotation file in the folder or in ``annotations`` below it; they must name the same categories.

    Boxes are [x, y, width, height] in pixels. Crowds are left out. An image without annotations has no findings.

    Raises:
        DatasetMissingError: no annotation file.
        TableInvalidError: a file that is no COCO, or two files with different categories.
        PatientsUnknownError: see ``carpal_training.data.patients``.
    """
    documents = {path: _document(path) for path in [*root.glob("*.json"), *root.glob("annotations/*.json")]}
    found = {path: body for path, body in sorted(documents.items()) if body is not None}
    if not found:
        raise DatasetMissingError(
            f"{root} holds no COCO dataset: no JSON with images, annotations and categories is there",
            "It is looked for in the folder itself and in annotations/.",
            "Name the folder that holds the annotation file.",
        )
    issues = Issues()
    classes, annotations = _merged(found, issues)
    images = {stem: path for stem, path in find_images([root], issues).items() if stem in annotations}
    sizes = image_sizes(images, issues)
    for path, body in found.items():
        for image in body["images"]:
            stem = Path(image["file_name"]).stem
            if "width" in image and "height" in image:
                check_size(stem, path.name, (int(image["width"]), int(image["height"])), sizes.get(stem), issues)
    placed = {
        stem: tuple(
            Annotation(label, shares(corners, sizes[stem]), place) for label, corners, place in items if stem in sizes
        )
        for stem, items in annotations.items()
    }
    return Source(root, "", classes, images, sizes, exams_of(images, rule, issues), placed, issues)


_Written = tuple[str, list[float], str]


def _merged(found: dict[Path, dict[str, Any]], issues: Issues) -> tuple[tuple[str, ...], dict[str, list[_Written]]]:
    """Class names by category id, and the objects of each stem in pixels."""
    classes: tuple[str, ...] | None = None
    annotations: dict[str, list[_Written]] = {}
    for path, body in found.items():
        try:
            categories = {int(item["id"]): str(item["name"]) for item in body["categories"]}
            stems = {item["id"]: Path(item["file_name"]).stem for item in body["images"]}
            objects = [
                (stems[item["image_id"]], categories[int(item["category_id"])], item["bbox"], item.get("iscrowd", 0))
                for item in body["annotations"]
            ]
        except (KeyError, TypeError, ValueError) as failure:
            raise TableInvalidError(
                f"{path} is no COCO file: {failure!r}", "An id leads nowhere, or a key is missing.", "Write it again."
            ) from failure
        names = tuple(categories[number] for number in sorted(categories))
        if classes is not None and classes != names:
            raise TableInvalidError(
                f"{path} has the categories {', '.join(names)}, the file before it {', '.join(classes)}",
                "Numbers of classes must mean the same in all files.",
                "Give all files the same categories.",
            )
        classes = names
        for stem in stems.values():
            annotations.setdefault(stem, [])
        for number, (stem, name, box, crowd) in enumerate(objects, start=1):
            place = f"{path.name} annotation {number}"
            if crowd:
                issues.add("left-out-object", stem, place, f"{name}, a crowd")
                continue
            x, y, width, height = map(float, box)
            annotations[stem].append((name, [x, y, x + width, y + height], place))
    return classes or (), annotations


def _document(path: Path) -> dict[str, Any] | None:
    """The file's content where it has the three keys of COCO."""
    try:
        body = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError:
        return None
    wanted = ("images", "annotations", "categories")
    return body if isinstance(body, dict) and all(isinstance(body.get(key), list) for key in wanted) else None
