"""FracAtlas (Abedeen et al., Sci Data 10:521, 2023; figshare 22363012) as it is distributed, and the cut of it.

::

    images/Fractured/<stem>.jpg, images/Non_fractured/<stem>.jpg
    Annotations/COCO JSON/*.json        polygons and boxes of the fractured images
    Annotations/PASCAL VOC/<stem>.xml   boxes of all images
    Annotations/YOLO/<stem>.txt         boxes of all images; labels.txt names the class
    Utilities/Fracture Split/*.csv      the authors' split of the fractured images: train, valid, test
    dataset.csv                         body part, views, hardware

Labels refer to the picture with its EXIF rotation applied; boxes and polygons are moved to the stored pixels. Patients
are unknown: blocks of 16 consecutive image numbers take their place, joined by near copies.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from carpal.errors import UsageError
from carpal.terminal import Terminal
from carpal_training.data.fracatlas_cut import is_cut, read_cut
from carpal_training.data.fracatlas_labels import FOLDERS, AtlasForm, read_labels
from carpal_training.data.fracatlas_table import CLASS, exam_of_facts, number_of, read_facts
from carpal_training.data.image_copies import near_copies, repeats
from carpal_training.data.image_files import ImageFile, read_image_files
from carpal_training.data.image_groups import group_images
from carpal_training.data.issues import Issues
from carpal_training.data.orientation import stored_annotations, stored_polygons
from carpal_training.data.source import Source, find_images
from carpal_training.data.table import read_csv
from carpal_training.errors import DatasetMissingError, ListInvalidError

TABLE, FRACTURED, NOT_FRACTURED = "dataset.csv", Path("images/Fractured"), Path("images/Non_fractured")
SPLIT = Path("Utilities/Fracture Split")
_SPLIT_FILES = {"train.csv": "train", "valid.csv": "val", "test.csv": "test"}


def read_fracatlas(
    root: Path,
    terminal: Terminal,
    form: AtlasForm | None = None,
    *,
    authors_split: bool = False,
    prints: bool = True,
) -> Source:
    """Read the dataset as it is distributed, or the cut.

    Args:
        root: the folder with dataset.csv, or the folder of the cut.
        terminal: shows the progress.
        form: which annotations to read; None: coco, or those of the cut.
        authors_split: carry the authors' split of the fractured images; the other images are then in no part.
        prints: compute perceptual hashes. Without them near copies are only found if they are the same file.

    Raises:
        DatasetMissingError: a file or folder of the layout is missing.
        TableInvalidError: the table, or the class list of the annotations, is wrong.
        ListInvalidError: the authors' lists name an image twice.
        UsageError: the cut is asked for annotations or a split that it does not have.
    """
    if is_cut(root):
        if form not in (None, "yolo") or authors_split:
            raise UsageError(
                f"{root} is a cut of FracAtlas with YOLO labels and a split of its own",
                "--labels and --authors-split are for the dataset as it is distributed.",
                "Remove the option.",
            )
        return read_cut(root, terminal, prints=prints)
    form = form or "coco"
    for part in (Path(TABLE), FRACTURED, NOT_FRACTURED, FOLDERS[form], *([SPLIT] if authors_split else [])):
        if not (root / part).exists():
            raise DatasetMissingError(
                f"{root} does not hold FracAtlas: {part} is not there",
                "The layout is FracAtlas as it is distributed, or its cut with manifest.csv and data.yaml.",
                "Name the folder that holds dataset.csv, or choose other annotations with --labels.",
            )
    issues = Issues()
    rows = read_facts(root / TABLE, "image_id")
    images = find_images([root / FRACTURED, root / NOT_FRACTURED], issues)
    files = read_image_files(images, issues, terminal, prints=prints)
    for stem in sorted(set(images) - set(rows)):
        issues.add("missing-image", stem, TABLE, f"no row of {stem}, which has an image")
    fractured = {stem for stem, file in files.items() if file.path.is_relative_to(root / FRACTURED)}
    annotations, polygons = read_labels(root, form, files, fractured, issues)
    damaged = set(images) - set(files)
    groups = group_images(
        {stem: number_of(stem) for stem in rows},
        [pair for pair in near_copies(files) if set(pair) <= set(rows)],
    )
    parts = repeats(files, fractured, issues)
    if authors_split:
        parts = {**_authors_split(root, files, damaged, issues), **parts}
    return Source(
        root,
        "",
        (CLASS,),
        {stem: file.path for stem, file in files.items()},
        {stem: file.size for stem, file in files.items()},
        {stem: exam_of_facts(row, groups[stem]) for stem, row in rows.items() if stem not in damaged},
        {
            stem: stored_annotations(items, files[stem].orientation) if stem in files else items
            for stem, items in annotations.items()
            if stem not in damaged
        },
        issues,
        parts=parts,
        unit="group",
        polygons={
            stem: stored_polygons(items, files[stem].orientation) for stem, items in polygons.items() if stem in files
        },
        digests={stem: file.sha256 for stem, file in files.items()},
        prints={stem: file.print_ for stem, file in files.items() if file.print_},
    )


def _authors_split(root: Path, files: Mapping[str, ImageFile], damaged: set[str], issues: Issues) -> dict[str, str]:
    """The part of each image; ``none`` for images in none of the three lists."""
    parts = dict.fromkeys(files, "none")
    listed: dict[str, str] = {}
    for name, part in _SPLIT_FILES.items():
        for line, row in enumerate(read_csv(root / SPLIT / name, ("image_id",), ListInvalidError), start=2):
            stem = Path(row["image_id"].strip()).stem
            if stem in listed:
                raise ListInvalidError(
                    f"{name} line {line}: {stem} is also in {listed[stem]}",
                    "An image is in one part only.",
                    "Remove one of the two lines.",
                )
            listed[stem] = f"{name} line {line}"
            if stem in files:
                parts[stem] = part
            elif stem not in damaged:
                issues.add("missing-image", stem, f"{name} line {line}", "no image of this name")
    return parts
