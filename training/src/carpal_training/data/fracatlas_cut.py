"""The cut of FracAtlas for training: smaller grey images in the YOLO layout, with a manifest that says what was done.

::

    data.yaml, train.txt, val.txt, test.txt     class names and the split
    manifest.csv                                split, near copies, images left out, body part, views, hardware
    images/<stem>.jpg, labels/<stem>.txt
    original-annotations/*.json                 optional: COCO polygons in pixels of the original images
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from carpal.terminal import Terminal
from carpal_training.data.coco import as_polygons, coco_documents, merge_documents
from carpal_training.data.data_yaml import read_data_yaml
from carpal_training.data.folders import label_of
from carpal_training.data.fracatlas_table import CLASS, exam_of_facts, number_of, read_facts
from carpal_training.data.image_files import read_image_files
from carpal_training.data.image_groups import group_images
from carpal_training.data.issues import Issues
from carpal_training.data.labels import read_yolo
from carpal_training.data.part_lists import read_part_lists
from carpal_training.data.source import Polygon, Source
from carpal_training.errors import SplitInvalidError, TableInvalidError

MANIFEST, DATA = "manifest.csv", "data.yaml"
ORIGINALS = "original-annotations"
_FURTHER = ("split", "near_copy_group", "excluded", "orig_jpeg_truncated")
_PARTS = ("train", "val", "test")


def is_cut(root: Path) -> bool:
    """Whether a folder looks like the cut."""
    return (root / MANIFEST).is_file() and (root / DATA).is_file()


def read_cut(root: Path, terminal: Terminal, *, prints: bool = True) -> Source:
    """Read all images of the manifest. Those without a split are in no part.

    Raises:
        TableInvalidError: the manifest or data.yaml is wrong, or has other classes than fracture.
        SplitInvalidError: the manifest and the lists of data.yaml disagree, or the manifest names an unknown part.
        ListInvalidError: a list of data.yaml is wrong.
    """
    issues = Issues()
    meta = read_data_yaml(root / DATA)
    if meta.names != (CLASS,):
        raise TableInvalidError(
            f"{meta.path} has the classes {', '.join(meta.names)}, not {CLASS}",
            "The cut has one class.",
            "Restore the file, or import the folder as yolo.",
        )
    rows = read_facts(root / MANIFEST, "file", _FURTHER)
    parts = {stem: row["split"].strip() or "none" for stem, row in rows.items()}
    lists = read_part_lists(root, meta, Issues())
    _check_parts(parts, {} if lists is None else lists.parts, root)
    images = {stem: root / "images" / row["file"].strip() for stem, row in rows.items()}
    images = {stem: path for stem, path in images.items() if path.is_file()}
    files = read_image_files(images, issues, terminal, prints=prints)
    _note_rows(rows, issues)
    annotations = {}
    for stem, file in files.items():
        label = label_of(file.path)
        if label.is_file():
            annotations[stem] = read_yolo(label, stem, file.size, issues)
    groups = group_images({stem: number_of(stem) for stem in rows}, _copies(rows))
    damaged = set(images) - set(files)
    return Source(
        root,
        "",
        meta.names,
        {stem: file.path for stem, file in files.items()},
        {stem: file.size for stem, file in files.items()},
        {stem: exam_of_facts(row, groups[stem]) for stem, row in rows.items() if stem not in damaged},
        annotations,
        issues,
        parts=parts,
        unit="group",
        polygons=_polygons(root, set(files)),
        digests={stem: file.sha256 for stem, file in files.items()},
        prints={stem: file.print_ for stem, file in files.items() if file.print_},
    )


def _check_parts(parts: Mapping[str, str], listed: Mapping[str, str], root: Path) -> None:
    for stem, part in parts.items():
        if part not in (*_PARTS, "none"):
            raise SplitInvalidError(
                f"{root / MANIFEST}: unknown part {part!r} of {stem} (known: {', '.join(_PARTS)})",
                "An empty cell leaves an image out.",
                "Correct the manifest.",
            )
    for stem in sorted(set(parts) | set(listed)) if listed else ():
        manifest, named = parts.get(stem, "none"), listed.get(stem, "none")
        if manifest != named:
            raise SplitInvalidError(
                f"{root}: {stem} is in {manifest} by {MANIFEST} and in {named} by the lists of {DATA}",
                "The two must agree.",
                "Restore the manifest or the lists.",
            )


def _note_rows(rows: Mapping[str, Mapping[str, str]], issues: Issues) -> None:
    for stem, row in rows.items():
        if not row["split"].strip():
            issues.add("left-out-image", stem, MANIFEST, row["excluded"].strip() or "no split")
        if row["orig_jpeg_truncated"].strip() == "1":
            issues.add("truncated-original", stem, MANIFEST, "orig_jpeg_truncated")


def _copies(rows: Mapping[str, Mapping[str, str]]) -> list[tuple[str, str]]:
    """Pairs of images in one near-copy group."""
    first: dict[str, str] = {}
    grouped = [(row["near_copy_group"].strip(), stem) for stem, row in rows.items()]
    return [(first.setdefault(name, stem), stem) for name, stem in grouped if name]


def _polygons(root: Path, stems: set[str]) -> dict[str, tuple[Polygon, ...]]:
    """Outlines of the original annotations. The sizes of the file are those of the pixels that they refer to."""
    found = coco_documents((root / ORIGINALS).glob("*.json"))
    _, objects = merge_documents(found, Issues())
    sizes = {
        Path(image["file_name"]).stem: (int(image["width"]), int(image["height"]))
        for body in found.values()
        for image in body["images"]
        if image.get("width") and image.get("height")
    }
    return {
        stem: tuple(Polygon(CLASS, item.rings) for item in as_polygons(items, sizes[stem]))
        for stem, items in objects.items()
        if stem in stems and stem in sizes
    }
