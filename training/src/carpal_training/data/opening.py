"""A dataset from a folder: one that was imported, or the layout of GRAZPEDWRI-DX and of phantoms as it is."""

from __future__ import annotations

import shlex
from pathlib import Path

from carpal_training.data.assembly import assemble
from carpal_training.data.dataset import Dataset
from carpal_training.data.graz import is_graz, read_graz
from carpal_training.data.index import INDEX, read_index
from carpal_training.data.recognition import layout_of
from carpal_training.errors import DatasetMissingError


def open_dataset(root: Path) -> Dataset:
    """Read what a folder holds; images are only looked for, and their heads read.

    Args:
        root: the --out folder of ``carpal train import``, or a folder in the layout of GRAZPEDWRI-DX.

    Raises:
        DatasetMissingError: there is no dataset in this folder.
        DatasetError: of the leaf that belongs to the gravest error (``carpal_training.data.issues``).
    """
    if not root.is_dir():
        raise DatasetMissingError(
            f"{root} is {'a file, not a folder' if root.exists() else 'no folder'}",
            "A dataset is the folder that carpal train import writes, or one in the layout of GRAZPEDWRI-DX.",
            "Correct the path, or make one: carpal phantoms OUT --count 300.",
        )
    if (root / INDEX).is_file():
        return read_index(root)
    if not is_graz(root) and (layout := layout_of(root)):
        raise DatasetMissingError(
            f"{root} is not imported yet; it seems to have the layout {layout}",
            "Importing checks the images and labels, and finds the patients.",
            f"Import it and use the result: carpal train import {layout} {shlex.quote(str(root))} --out OUT.",
        )
    source = read_graz(root)
    dataset = assemble(source)
    source.issues.refuse(root)
    return dataset
