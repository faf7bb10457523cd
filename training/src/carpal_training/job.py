"""What a worker needs to know; plain data that travels to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from carpal_training.recipe import Recipe


@dataclass(frozen=True)
class Job:
    """One run; where its folder holds a last checkpoint, it goes on from there.

    Attributes:
        recipe: the settings.
        run: the run's folder, which every worker must reach under this path.
        train, val: folders of prepared images.
        classes: names in the order of the labels.
        start: weights to begin with (.pt or .onnx), or None for random ones.
    """

    recipe: Recipe
    run: Path
    train: Path
    val: Path
    classes: tuple[str, ...]
    start: Path | None = None
