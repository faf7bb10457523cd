"""Images of train, val and test from the lists (text files) or folders that a data.yaml names."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from carpal.file_tree import files_below
from carpal.imaging.readers import SUFFIXES
from carpal_training.data.data_yaml import DataYaml
from carpal_training.data.dealing import Part
from carpal_training.data.issues import Issues
from carpal_training.data.source import absolute
from carpal_training.data.text_file import read_text
from carpal_training.errors import ListInvalidError


@dataclass(frozen=True)
class PartLists:
    """The listed images.

    Attributes:
        images: path of each listed image by its stem.
        parts: part of each stem; empty if the file does not split the images.
    """

    images: dict[str, Path]
    parts: dict[str, Part]


def read_part_lists(root: Path, meta: DataYaml, issues: Issues) -> PartLists | None:
    """Read the lists and folders; None if the file names none.

    The file splits the images only if it names more than one part and the parts differ: many files name one folder
    under both train and val. If none of its folders exists (the file of another dataset, or a template), the result is
    None, with a warning.

    Raises:
        ListInvalidError: an entry does not exist or is outside the dataset's folder, or an image is in two parts.
    """
    if meta.entries is None:
        return None
    root = absolute(root)
    base = _inside(root, root, meta.base, f"path in {meta.path.name}")
    resolved = {
        part: [_inside(root, base, entry, f"{part} in {meta.path.name}") for entry in entries]
        for part, entries in meta.entries.items()
    }
    if not any(path.exists() or path.suffix == ".txt" for paths in resolved.values() for path in paths):
        folders = ", ".join(entry for entries in meta.entries.values() for entry in entries)
        issues.add("missing-folders", "", meta.path.name, f"{folders} do not exist")
        return None
    splits = len({tuple(paths) for paths in resolved.values()}) > 1
    if not splits:
        issues.add("no-split", "", meta.path.name, f"{' and '.join(resolved)} is one list of images")
    listed: dict[Path, tuple[Part, str]] = {}
    images: dict[str, Path] = {}
    for part, paths in resolved.items():
        for path, place in [item for source in paths for item in _listed(root, base, source, issues)]:
            first = listed.setdefault(path, (part, place))
            if splits and first[0] != part:
                raise ListInvalidError(
                    f"{path.relative_to(root)} is in {first[0]} ({first[1]}) and in {part} ({place})",
                    "An image in two parts makes the figures of one of them wrong.",
                    f"Remove it from one of the two lists, or remove the key {part} from {meta.path.name}.",
                )
            if not path.exists():
                issues.add("missing-image", path.stem, str(path), "the symbolic link leads to no file")
                continue
            if images.setdefault(path.stem, path) != path:
                issues.add("mixed-naming", path.stem, place, f"{images[path.stem]} has the same name")
    unlisted = sorted(images_below(root) - set(listed))
    if unlisted:
        example = unlisted[0].relative_to(root)
        issues.add("unlisted-image", "", meta.path.name, f"{len(unlisted)} images are in no list, first {example}")
    return PartLists(images, {stem: listed[path][0] for stem, path in images.items()} if splits else {})


def images_below(folder: Path) -> set[Path]:
    """Every image file below a folder, as an absolute path. Links without a file are included."""
    return {path for path in files_below(absolute(folder)) if path.suffix.lower() in SUFFIXES}


def _listed(root: Path, base: Path, source: Path, issues: Issues) -> list[tuple[Path, str]]:
    """The images of one entry and the place that names each: the files of a folder, or the lines of a text file."""
    if source.is_dir():
        return [(path, f"{source.relative_to(root)}/") for path in sorted(images_below(source))]
    try:
        lines = read_text(source).splitlines()
    except (OSError, UnicodeDecodeError) as failure:
        raise ListInvalidError(
            f"{source} is not a folder, and it cannot be read as a list of images: {failure}",
            "data.yaml names folders of images, or text files with one path per line.",
            "Correct the path in data.yaml, or restore the list.",
        ) from failure
    found = []
    for number, line in enumerate(lines, start=1):
        entry, place = line.strip(), f"{source.name} line {number}"
        if not entry:
            continue
        candidates = [_inside(root, source.parent, entry, place)]
        if not entry.startswith("./"):
            candidates.append(_inside(root, base, entry, place))
        path = next((candidate for candidate in candidates if candidate.is_file()), None)
        if path is None:
            issues.add("missing-image", candidates[0].stem, place, f"{entry} does not exist")
        else:
            found.append((path, place))
    return found


def _inside(root: Path, base: Path, entry: str, place: str) -> Path:
    """The absolute path of an entry, which must be below the root.

    Roboflow writes ``../train/images`` for a folder next to data.yaml, and Ultralytics reads it so.
    """
    for text in (entry, entry.removeprefix("../")):
        path = Path(os.path.normpath(base / text))
        if path.is_relative_to(root):
            return path
    raise ListInvalidError(
        f"{place}: {entry} is outside {root}",
        "An import reads files of the dataset's own folder only.",
        "Write paths relative to the folder that holds data.yaml, and set path: . there.",
    )
