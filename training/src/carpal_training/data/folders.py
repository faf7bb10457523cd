"""Folders in the general layouts of YOLO and Pascal VOC."""

from __future__ import annotations

from pathlib import Path

from carpal_training.data.graz import class_names
from carpal_training.data.issues import Issues
from carpal_training.data.labels import read_voc, read_yolo
from carpal_training.data.patients import PatientRule, exams_of
from carpal_training.data.source import Source, find_images, image_sizes
from carpal_training.errors import DatasetMissingError


def read_yolo_folder(root: Path, rule: PatientRule) -> Source:
    """A folder of ultralytics: ``data.yaml`` with names, ``images/**`` and ``labels/**`` with the same paths.

    Raises:
        DatasetMissingError: no YAML file that names classes, or no folder of labels.
        PatientsUnknownError: see ``carpal_training.data.patients``.
    """
    metas = [*sorted(root.glob("*.yaml")), *sorted(root.glob("*.yml"))]
    meta = next((path for path in metas if path.stem in ("data", "meta", "dataset")), metas[0] if metas else None)
    if meta is None or not any(path.is_dir() for path in root.rglob("labels")):
        missing = "a YAML file with names" if meta is None else "a folder labels"
        raise DatasetMissingError(
            f"{root} holds no YOLO dataset: {missing} is not there",
            "The layout is data.yaml, images/ and labels/, as ultralytics reads it.",
            "Name the folder that holds data.yaml.",
        )
    issues = Issues()
    images = find_images([root], issues)
    sizes = image_sizes(images, issues)
    annotations = {}
    for stem, path in images.items():
        label = label_of(path)
        if label.is_file():
            annotations[stem] = read_yolo(label, stem, sizes.get(stem), issues)
    known = {label_of(path) for path in images.values()}
    for label in sorted(path for folder in root.rglob("labels") for path in folder.rglob("*.txt")):
        if label not in known and label.name != "classes.txt":
            issues.add("missing-image", label.stem, str(label), "no image of this name beside it")
    return Source(root, "", class_names(meta), images, sizes, exams_of(images, rule, issues), annotations, issues)


def label_of(image: Path) -> Path:
    """Where ultralytics looks for an image's labels: the last folder ``images`` of its path is called ``labels``."""
    parts = list(image.parts)
    if "images" in parts[:-1]:
        parts[len(parts) - 2 - parts[:-1][::-1].index("images")] = "labels"
    return Path(*parts).with_suffix(".txt")


def read_voc_folder(root: Path, rule: PatientRule) -> Source:
    """A folder of Pascal VOC: one XML an image, anywhere below; ``classes.txt`` gives an order, else it is by name.

    Raises:
        DatasetMissingError: no XML file.
        PatientsUnknownError: see ``carpal_training.data.patients``.
    """
    files = {path.stem: path for path in sorted(root.rglob("*.xml"))}
    if not files:
        raise DatasetMissingError(
            f"{root} holds no VOC dataset: there is no XML file", "One XML an image is read.", "Name another folder."
        )
    issues = Issues()
    images = find_images([root], issues)
    sizes = image_sizes(images, issues)
    annotations = {stem: read_voc(path, stem, sizes.get(stem), issues) for stem, path in files.items()}
    order = root / "classes.txt"
    named = {str(item.label) for found in annotations.values() for item in found}
    classes = tuple(order.read_text("utf-8").split()) if order.is_file() else tuple(sorted(named))
    return Source(root, "", classes, images, sizes, exams_of(images, rule, issues), annotations, issues)
