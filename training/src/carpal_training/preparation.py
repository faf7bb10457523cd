"""What a run begins with: a dataset that is dealt out, prepared images, and weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from carpal.imaging.preprocess import Chain
from carpal.packages.reference import resolve
from carpal.terminal import Terminal
from carpal_training.checkpoint import check_classes
from carpal_training.data.cache import build_cache
from carpal_training.data.combining import combine, combined_split
from carpal_training.data.dataset import Dataset
from carpal_training.data.leaks import image_leaks, refuse
from carpal_training.data.opening import open_dataset
from carpal_training.data.prints import prints_of
from carpal_training.data.splits import Split, make_split
from carpal_training.errors import DatasetsInvalidError, RunMissingError
from carpal_training.recipe import Recipe


def open_parts(
    data: Sequence[Path], recipe: Recipe, terminal: Terminal, *, leaks: bool = True, kept: Split | None = None
) -> tuple[Dataset, Split]:
    """A dataset and its parts, or several datasets as one.

    Args:
        data: folders, each an imported dataset or in the layout of GRAZPEDWRI-DX. Each dataset is split by itself.
        recipe: says how each dataset is split.
        terminal: hears of the progress.
        leaks: look for one image in two parts, which costs the decoding of every image that has no hash yet.
        kept: the parts of a run that goes on; see ``split_together``.

    Raises:
        DatasetError: a dataset that cannot be trained on, or a patient or an image in two parts.
        DatasetsInvalidError: the recipe has settings for a dataset that is not given.
    """
    terminal.say(f"Reading {', '.join(map(str, data))}")
    members = [open_dataset(path) for path in data]
    dataset, split = split_together(members, recipe, kept)
    if leaks:
        with terminal.progress("Looking for images in two parts", len(dataset.samples)) as advance:
            refuse(image_leaks(dataset, split.homes, prints_of(dataset.samples, advance=advance)))
    return dataset, split


def split_together(members: Sequence[Dataset], recipe: Recipe, kept: Split | None = None) -> tuple[Dataset, Split]:
    """Several datasets as one, each split by its own plan.

    Args:
        members: the datasets.
        recipe: their plans.
        kept: the parts of a run on the same images, for when a table that a plan names is not on this machine.

    Raises:
        DatasetsInvalidError: two datasets have the same name, or the recipe has settings for one that is not given.
        SplitInvalidError, LeakFoundError: see ``carpal_training.data.splits``.
    """
    names = [member.name for member in members]
    missing = [name for name in recipe.datasets if name not in names]
    if missing:
        raise DatasetsInvalidError(
            f"the recipe has settings for {', '.join(missing)}, which is not among the datasets",
            f"Given: {', '.join(names)}.",
            "Add --data with the folder of that dataset, or correct the name in the recipe.",
        )
    dataset = combine(members)
    tables = [plan.file for plan in map(recipe.split_plan, names) if plan.file is not None]
    lost = not all(Path(table).is_file() for table in tables)
    if lost and kept is not None and kept.homes.keys() <= {sample.stem for sample in dataset.samples}:
        return dataset, kept
    splits = {member.name: make_split(member, recipe.split_plan(member.name)) for member in members}
    return dataset, combined_split(splits) if len(members) > 1 else splits[names[0]]


def prepare(dataset: Dataset, split: Split, chain: Chain, cache: Path, terminal: Terminal) -> tuple[Path, Path]:
    """The prepared images to train on and to validate on, as folders below a cache."""
    train, val = split.samples(dataset, "train"), split.samples(dataset, "val")
    count = len(train) + len(val)
    with terminal.progress(f"Preparing {count} images", count) as advance:
        return (
            build_cache(dataset, train, chain, cache, advance=advance),
            build_cache(dataset, val, chain, cache, advance=advance),
        )


def find_start(start: str, classes: tuple[str, ...], repository: str | None) -> tuple[Path | None, str | None]:
    """The file of weights to begin with (None: random ones), and the package that it is from.

    Raises:
        RunMissingError: a .pt file that is not there.
        ClassesDifferError: a package with other classes.
        CarpalError: no such package.
    """
    if start == "scratch":
        return None, None
    if start.endswith(".pt"):
        path = Path(start).resolve()
        if not path.is_file():
            raise RunMissingError(f"{start} is not there", "start names a checkpoint.", "Name best.pt of a run.")
        return path, None
    package = resolve(start, repository)
    check_classes(list(package.manifest.classes), list(classes), start)
    return package.file(package.variant()).resolve(), f"{package.manifest.name}:{package.manifest.version}"
