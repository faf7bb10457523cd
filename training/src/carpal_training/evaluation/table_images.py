"""Images in folders whose truth is known per image, from a table with one row per image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from carpal_training.data.exam import Exam
from carpal_training.data.issues import KINDS, Issues
from carpal_training.data.source import find_images
from carpal_training.data.table import read_table
from carpal_training.errors import DatasetEmptyError, DatasetMissingError, NamesMixedError, TruthMissingError

MAX_NAMES = 5
"""Maximum number of file names in an error message."""


@dataclass(frozen=True)
class TableImage:
    """One image and its row in the table.

    Attributes:
        stem: stem of the row.
        path: image file.
        exam: facts in the row; ``exam.seen`` is the truth.
    """

    stem: str
    path: Path
    exam: Exam

    def truth(self, label: str) -> bool | None:
        """Whether a class is visible; None if the row does not state it."""
        return dict(self.exam.seen).get(label)


def open_table_images(folders: Sequence[Path], table: Path, focus: str) -> tuple[TableImage, ...]:
    """Find the images below the folders and join each with its row.

    Args:
        folders: searched recursively for files with a suffix of a format that carpal reads.
        table: dataset.csv or dataset.csv.gz.
        focus: class whose truth each row must state.

    Returns:
        Images in the order of their stems.

    Raises:
        DatasetMissingError: a folder does not exist.
        DatasetEmptyError: the folders contain no image.
        NamesMixedError, ImagesMissingError: two files have one name, two images have one row, or a link is broken.
        TruthMissingError: an image has no row, or its row does not state whether the class is visible.
        TableInvalidError: the table cannot be read.
    """
    paths = _find(folders)
    exams = {row.stem: row.exam for row in read_table(table)}
    stems = {path: row_stem(path.stem, exams) for path in paths}
    without_row = [path for path, stem in stems.items() if stem is None]
    if without_row:
        raise TruthMissingError(
            f"{len(without_row)} of {len(paths)} images have no row in {table.name}: {listed(without_row)}",
            "The truth of an image is its row. A row belongs to an image if filestem is the file name without its "
            "suffix, or without its last parts separated by dots.",
            "Name the table of these images, add the rows, or remove the images from the folder.",
        )
    images = [TableImage(stem, path, exams[stem]) for path, stem in stems.items() if stem is not None]
    _refuse_repeated(images)
    without_truth = [image.path for image in images if image.truth(focus) is None]
    if without_truth:
        raise TruthMissingError(
            f"{len(without_truth)} of {len(images)} images have no truth for {focus} in {table.name}: "
            f"{listed(without_truth)}",
            "The column of the class (fracture_visible for fracture) is missing.",
            "Add the column, or choose another --focus (metal needs the column metal).",
        )
    return tuple(sorted(images, key=lambda image: image.stem))


def row_stem(name: str, rows: Mapping[str, object]) -> str | None:
    """Stem of the row of an image; None if it has no row.

    Rule: the row is the one with the longest stem that equals the file name without its suffix, or the beginning of it
    up to a dot. ``a.8bit.png`` has the row ``a.8bit`` if there is one, else the row ``a``. ``a1.png`` never has the
    row ``a``.

    Args:
        name: file name without its suffix.
        rows: rows of the table by their stems.
    """
    while name not in rows:
        name, dot, _ = name.rpartition(".")
        if not dot:
            return None
    return name


def listed(paths: Iterable[Path]) -> str:
    """File names for a message, at most ``MAX_NAMES`` of them."""
    names = sorted(path.name for path in paths)
    more = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")


def _find(folders: Sequence[Path]) -> list[Path]:
    for folder in folders:
        if not folder.is_dir():
            raise DatasetMissingError(
                f"{folder} is not a folder", "--images takes folders with image files.", "Correct the path."
            )
    issues = Issues()
    paths = list(find_images(folders, issues).values())
    if issues.errors:
        first = issues.errors[0]
        same = [issue for issue in issues.errors if issue.kind == first.kind]
        error = KINDS[first.kind].error
        assert error is not None, "each kind with the severity error has an error class"
        raise error(
            f"{len(same)} image files cannot be used: {listed(Path(issue.place) for issue in same)}",
            f"First: {first.place}: {first.detail}.",
            "Rename or remove the files.",
        )
    if not paths:
        raise DatasetEmptyError(
            f"no image in {', '.join(map(str, folders))}",
            "Files with a suffix of a format that carpal reads are images.",
            "Name the folder that holds the images.",
        )
    return paths


def _refuse_repeated(images: Sequence[TableImage]) -> None:
    by_stem: dict[str, list[Path]] = {}
    for image in images:
        by_stem.setdefault(image.stem, []).append(image.path)
    repeated = [path for paths in by_stem.values() if len(paths) > 1 for path in paths]
    if repeated:
        raise NamesMixedError(
            f"{len(repeated)} images share a row with another image: {listed(repeated)}",
            "Each row is the truth of one image, and each image counts once.",
            "Keep one file of each row.",
        )
