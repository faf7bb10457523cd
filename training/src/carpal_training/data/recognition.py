"""Which layout a folder seems to have, for the remedy of an error: a user learns what ``carpal train import`` reads."""

from __future__ import annotations

from pathlib import Path

from carpal.file_tree import files_below
from carpal.imaging.errors import NotAnImageError
from carpal.imaging.readers import DICOM, SNIFFED_BYTES, sniff
from carpal_training.data.fracatlas import FRACTURED
from carpal_training.data.fracatlas_cut import is_cut

MAX_FILES = 1000  # looked at, so that the error for a large folder comes at once


def layout_of(root: Path) -> str | None:
    """The layout as ``carpal train import`` names it, or None. Names of files are enough, except for DICOM."""
    if is_cut(root) or (root / FRACTURED).is_dir():
        return "fracatlas"
    files = [path for path, _ in zip(files_below(root), range(MAX_FILES), strict=False)]
    suffixes = {path.suffix.lower() for path in files}
    labels = any("labels" in path.relative_to(root).parts for path in files if path.suffix == ".txt")
    if labels and suffixes & {".yaml", ".yml"}:
        return "yolo"
    if ".json" in suffixes:
        return "coco"
    if ".xml" in suffixes:
        return "voc"
    return "dicom" if any(_begins_as_dicom(path) for path in files) else None


def _begins_as_dicom(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return sniff(file.read(SNIFFED_BYTES)) == DICOM
    except (OSError, NotAnImageError):
        return False
