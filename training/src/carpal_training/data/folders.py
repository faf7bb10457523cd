"""Folders in the general layouts of YOLO and Pascal VOC."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from carpal.file_tree import files_below
from carpal_training.data.data_yaml import read_data_yaml
from carpal_training.data.issues import Issues
from carpal_training.data.labels import read_voc, read_yolo, voc_size
from carpal_training.data.orientation import find_pictures
from carpal_training.data.part_lists import images_below, read_part_lists
from carpal_training.data.patients import PatientRule, exams_of
from carpal_training.data.source import Source, absolute, find_images, image_sizes
from carpal_training.data.text_file import read_text
from carpal_training.errors import DatasetMissingError, TableInvalidError


def read_yolo_folder(root: Path, rule: PatientRule) -> Source:
    """Read an Ultralytics folder: ``data.yaml`` with names, ``images/**`` and ``labels/**`` with the same paths.

    If data.yaml names lists or folders under train, val and test, only their images are read, and the parts are kept.

    Raises:
        DatasetMissingError: no YAML file that names classes, or no folder of labels.
        TableInvalidError: data.yaml is wrong.
        ListInvalidError: a list or folder that data.yaml names is wrong.
        PatientsUnknownError: see ``carpal_training.data.patients``.
    """
    metas = [*sorted(root.glob("*.yaml")), *sorted(root.glob("*.yml"))]
    path = next((path for path in metas if path.stem in ("data", "meta", "dataset")), metas[0] if metas else None)
    labels = [path for path in files_below(root) if path.suffix == ".txt" and "labels" in path.relative_to(root).parts]
    if path is None or not (labels or any(folder.is_dir() for folder in root.rglob("labels"))):
        missing = "a YAML file with names" if path is None else "a folder labels"
        raise DatasetMissingError(
            f"{root} holds no YOLO dataset: {missing} is not there",
            "The layout is data.yaml, images/ and labels/, as ultralytics reads it.",
            "Name the folder that holds data.yaml.",
        )
    meta, issues = read_data_yaml(path), Issues()
    lists = read_part_lists(root, meta, issues)
    images = find_images([root], issues) if lists is None else lists.images
    sizes = image_sizes(images, issues)
    pictures = find_pictures(images, sizes, issues)
    annotations = {}
    for stem, image in images.items():
        label = label_of(image)
        if label.is_file():
            annotations[stem] = pictures.annotations(stem, read_yolo(label, stem, pictures.sizes.get(stem), issues))
    _check_stray_labels(root, labels, issues)
    parts = {} if lists is None else lists.parts
    exams = exams_of(images, rule, issues)
    return Source(root, "", meta.names, images, sizes, exams, annotations, issues, parts=parts, unit=rule.unit)


def label_of(image: Path) -> Path:
    """Where ultralytics looks for an image's labels: the last folder ``images`` of its path is called ``labels``."""
    parts = list(image.parts)
    if "images" in parts[:-1]:
        parts[len(parts) - 2 - parts[:-1][::-1].index("images")] = "labels"
    return Path(*parts).with_suffix(".txt")


def read_voc_folder(root: Path, rule: PatientRule) -> Source:
    """Read a folder of Pascal VOC: one XML per image, anywhere below.

    ``classes.txt`` (one name per line) gives the order of the classes; without it they are in alphabetical order.

    Raises:
        DatasetMissingError: no XML file.
        TableInvalidError: classes.txt is not a list of different names.
        PatientsUnknownError: see ``carpal_training.data.patients``.
    """
    files = {path.stem: path for path in sorted(files_below(root)) if path.suffix == ".xml"}
    if not files:
        raise DatasetMissingError(
            f"{root} holds no VOC dataset: there is no XML file", "One XML an image is read.", "Name another folder."
        )
    issues = Issues()
    images = find_images([root], issues)
    sizes = image_sizes(images, issues)
    pictures = find_pictures(images, sizes, issues, lambda stem: voc_size(files[stem]) if stem in files else None)
    annotations = {
        stem: pictures.annotations(stem, read_voc(path, stem, pictures.sizes.get(stem), issues))
        for stem, path in files.items()
    }
    order = root / "classes.txt"
    named = {str(item.label) for found in annotations.values() for item in found}
    classes = class_list(order) if order.is_file() else tuple(sorted(named))
    exams = exams_of(images, rule, issues)
    return Source(root, "", classes, images, sizes, exams, annotations, issues, unit=rule.unit)


def class_list(path: Path) -> tuple[str, ...]:
    """Class names from a text file with one name per line.

    Raises:
        TableInvalidError: the file is not UTF-8, or a name is there twice.
    """
    try:
        names = [line.strip() for line in read_text(path).splitlines() if line.strip()]
    except UnicodeDecodeError as failure:
        raise TableInvalidError(f"{path} is not UTF-8: {failure}", "", "Save the file as UTF-8.") from failure
    if len(set(names)) != len(names):
        raise TableInvalidError(
            f"{path} lists a class twice: {', '.join(names)}", "Names must differ.", "Remove one of the two lines."
        )
    return tuple(names)


def _check_stray_labels(root: Path, labels: Iterable[Path], issues: Issues) -> None:
    """Note label files without an image, whether or not a list names the image."""
    known = {label_of(path) for path in images_below(absolute(root))}
    for label in sorted(map(absolute, labels)):
        if label not in known and label.name != "classes.txt":
            issues.add("missing-image", label.stem, str(label), "no image of this name beside it")
