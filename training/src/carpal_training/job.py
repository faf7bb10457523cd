"""What a worker needs to know; plain data that travels to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from carpal_training.recipe import Recipe


@dataclass(frozen=True)
class Job:
    """One run.

    Attributes:
        recipe: the settings.
        run: the run's folder, which every worker must reach under this path.
        train, val: folders of prepared images.
        classes: names in the order of the labels.
        start: weights to begin with (.pt or .onnx), or None for random ones.
        resume: go on from the run's last checkpoint.
    """

    recipe: Recipe
    run: Path
    train: Path
    val: Path
    classes: tuple[str, ...]
    start: Path | None = None
    resume: bool = False
