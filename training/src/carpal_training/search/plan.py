"""What a search for settings is told: a closed document, read from YAML, and the trials that follow from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import yaml
from pydantic import Field, model_validator

from carpal.document import Document
from carpal.errors import CarpalError
from carpal.yaml_file import load_yaml
from carpal_training.errors import SearchInvalidError
from carpal_training.recipe import Count, Recipe, read_recipe, varied

# What all trials share, because they are compared on the same images after the same number of epochs.
FIXED = ("split", "epochs", "workers", "fewest_workers", "restarts", "gpu", "validate_every", "patience")
DIGITS = 4  # of a drawn number: enough to try, and short enough to read


class Span(Document):
    """Values of one key: a range to draw from, or a list to choose from."""

    low: float | None = Field(default=None, description="least value")
    high: float | None = Field(default=None, description="greatest value")
    log: bool = Field(default=False, description="draw the logarithm evenly, for what spans powers of ten")
    choices: tuple[str | int | float | bool | None, ...] | None = Field(
        default=None, description="instead of a range: values to choose from"
    )

    @model_validator(mode="after")
    def _range_or_choices(self) -> Span:
        if (self.choices is None) == (self.low is None and self.high is None):
            raise ValueError("give low and high, or choices")
        if self.choices is not None:
            if not self.choices:
                raise ValueError("choices is empty")
            return self
        if self.low is None or self.high is None or self.low >= self.high:
            raise ValueError(f"low ({self.low}) must be below high ({self.high})")
        if self.log and self.low <= 0:
            raise ValueError(f"low ({self.low}) has no logarithm")
        return self

    def draw(self, random: np.random.Generator) -> Any:
        """One value."""
        if self.choices is not None:
            return self.choices[int(random.integers(len(self.choices)))]
        low, high = self.low or 0.0, self.high or 0.0
        value = np.exp(random.uniform(np.log(low), np.log(high))) if self.log else random.uniform(low, high)
        return float(f"{value:.{DIGITS}g}")


class Search(Document):
    """A search: random draws from a space, of which successive halving (ASHA) ends the worse ones early."""

    recipe: str = Field(description="the recipe that is varied, relative to this file")
    trials: Count = Field(default=20, description="draws from the space; the first is the recipe as it is")
    at_once: Count | None = Field(default=None, description="trials at the same time; null: one a core, or one a GPU")
    grace_epochs: Count = Field(default=5, description="epochs that every trial gets")
    keep_one_of: Annotated[int, Field(ge=2)] = Field(
        default=3, description="after grace_epochs, and after each power of this times as many, one of so many goes on"
    )
    seed: int = Field(default=0, description="the same seed draws the same trials")
    space: dict[str, Span] = Field(min_length=1, description="dotted keys of the recipe, with the values to try")

    @model_validator(mode="after")
    def _free_to_vary(self) -> Search:
        for key in self.space:
            if key.split(".")[0] in FIXED:
                raise ValueError(f"{key} is the same for all trials, set it in the recipe")
        return self


@dataclass(frozen=True)
class Trial:
    """One draw: its number, what it changes, and the recipe with that."""

    number: int
    changes: dict[str, Any]
    recipe: Recipe


def read_search(path: Path, overrides: Sequence[str] = ()) -> tuple[Search, Recipe]:
    """A search from YAML, and the recipe that it varies, with ``key=value`` overrides of the recipe.

    Raises:
        SearchInvalidError: the file is not there, is no YAML, or has a wrong key or value.
        RecipeInvalidError, UsageError: the same of the recipe, and of an override.
    """
    try:
        data = load_yaml(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as failure:
        raise SearchInvalidError(
            f"{path} cannot be read: {failure}", "", "Name a YAML file, e.g. training/recipes/search.yaml."
        ) from failure
    search = Search.parse(data, source=path, error=SearchInvalidError)
    return search, read_recipe(path.parent / search.recipe, overrides)


def draw_trials(search: Search, recipe: Recipe) -> list[Trial]:
    """The trials of a search, the same each time: each runs on one worker and is validated after every epoch.

    Raises:
        SearchInvalidError: the recipe takes no such key or value.
    """
    random = np.random.default_rng(search.seed)
    basis = recipe.model_copy(update={"workers": 1, "fewest_workers": None, "restarts": 0, "validate_every": 1})
    trials = [Trial(0, {}, basis)]
    for number in range(1, search.trials):
        changes = {key: span.draw(random) for key, span in sorted(search.space.items())}
        try:
            trials.append(Trial(number, changes, varied(basis, changes, source=f"trial {number}")))
        except CarpalError as failure:
            raise SearchInvalidError(failure.what, failure.why, "Correct the space of the search.") from failure
    return trials
