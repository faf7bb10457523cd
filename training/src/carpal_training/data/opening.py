"""A dataset from a folder: one that was imported, or the layout of GRAZPEDWRI-DX and of phantoms as it is."""

from __future__ import annotations

from pathlib import Path

from carpal_training.data.assembly import assemble
from carpal_training.data.dataset import Dataset
from carpal_training.data.graz import read_graz
from carpal_training.data.index import INDEX, read_index


def open_dataset(root: Path) -> Dataset:
    """Read what a folder holds; images are only looked for, and their heads read.

    Args:
        root: the --out folder of ``carpal train import``, or a folder in the layout of GRAZPEDWRI-DX.

    Raises:
        DatasetMissingError: there is no dataset in this folder.
        DatasetError: of the leaf that belongs to the gravest error (``carpal_training.data.issues``).
    """
    if (root / INDEX).is_file():
        return read_index(root)
    source = read_graz(root)
    dataset = assemble(source)
    source.issues.refuse(root)
    return dataset
