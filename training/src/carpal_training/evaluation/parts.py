"""The parts of a dataset as a package's own training saw them."""

from __future__ import annotations

from pathlib import Path

from carpal.packages.package import Package
from carpal_training.checkpoint import check_classes
from carpal_training.data.dataset import Dataset
from carpal_training.data.opening import open_dataset
from carpal_training.data.splits import Split, make_split
from carpal_training.recipe import SplitPlan


def open_split(package: Package, data: Path, table: Path | None = None) -> tuple[Dataset, Split]:
    """A dataset, dealt out as the package's training dealt it, or as a published table says.

    Raises:
        ClassesDifferError: the dataset has other classes than the package.
        CarpalError: no dataset.
    """
    training = package.manifest.provenance.training
    dataset = open_dataset(data)
    check_classes(list(package.manifest.classes), list(dataset.classes), package.manifest.name)
    if table is not None:
        return dataset, make_split(dataset, SplitPlan(file=str(table)))
    settings = {key.removeprefix("split."): value for key, value in training.items() if key.startswith("split.")}
    # A package from before patients were dealt out alike says nothing of it, and was dealt by chance.
    return dataset, make_split(dataset, SplitPlan.model_validate({"stratified": False, **settings}))
