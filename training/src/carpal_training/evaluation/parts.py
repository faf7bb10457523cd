"""The parts of a dataset as a package's own training saw them."""

from __future__ import annotations

from pathlib import Path

from carpal.packages.package import Package
from carpal_training.data.combining import renumbered
from carpal_training.data.dataset import Dataset
from carpal_training.data.opening import open_dataset
from carpal_training.data.splits import Split, make_split
from carpal_training.recipe import SplitPlan


def open_split(package: Package, data: Path, table: Path | None = None) -> tuple[Dataset, Split]:
    """A dataset with the package's class numbers, split as the package's training split it or as a table says.

    The dataset may label only some of the package's classes.

    Raises:
        ClassesDifferError: the dataset has a class that the package does not have.
        CarpalError: no dataset.
    """
    training = package.manifest.provenance.training
    dataset = renumbered(open_dataset(data), package.manifest.classes)
    if table is not None:
        return dataset, make_split(dataset, SplitPlan(file=str(table)))
    own = f"datasets.{dataset.name}.split."
    prefix = own if any(key.startswith(own) for key in training) else "split."
    settings = {key.removeprefix(prefix): value for key, value in training.items() if key.startswith(prefix)}
    # A package from before patients were dealt out alike says nothing of it, and was dealt by chance.
    return dataset, make_split(dataset, SplitPlan.model_validate({"stratified": False, **settings}))
