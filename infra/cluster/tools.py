"""The Go programs of a cluster: built once a digest, found ever after."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from infra.cluster import gomodule
from infra.cluster.cache import ensured
from infra.cluster.errors import NotBuiltError
from infra.cluster.recipes import Recipe


@dataclass(frozen=True)
class Tools:
    """Where each program is, built or not.

    Attributes:
        cache: the folder of all that is built.
        recipes: what there is to build, in the order of need.
        toolchain: version of the Go command that builds, part of every digest.
    """

    cache: Path
    recipes: Sequence[Recipe]
    toolchain: str

    def folder(self, recipe: Recipe) -> Path:
        """The place of a recipe's binaries, there or not yet."""
        return self.cache / "tools" / f"{recipe.name}-{recipe.version}-{recipe.digest(self.toolchain)}"

    def path(self, command: str) -> Path:
        """The binary of that name. Raises NotBuiltError where it has to be built first."""
        recipe = next(recipe for recipe in self.recipes if command in recipe.commands)
        path = self.folder(recipe) / command
        if not path.is_file():
            raise NotBuiltError(
                f"{command} {recipe.version} is not built",
                f"it is no part of {self.folder(recipe).parent}",
                "run make cluster-build, which builds only what is missing",
            )
        return path

    def missing(self, names: Sequence[str] = ()) -> list[Recipe]:
        """Recipes, of these names or of all, that have to be built."""
        wanted = [recipe for recipe in self.recipes if not names or recipe.name in names]
        return [recipe for recipe in wanted if not self.folder(recipe).is_dir()]

    def paths(self) -> Mapping[str, Path]:
        """Every binary that is built, by its name."""
        found = {name: self.folder(recipe) / name for recipe in self.recipes for name in recipe.commands}
        return {name: path for name, path in found.items() if path.is_file()}

    def build(self, names: Sequence[str], say: Callable[[str], None]) -> None:
        """Build what is missing, saying what and how long it takes before and after each."""
        missing = self.missing(names)
        left_s = sum(recipe.seconds for recipe in missing)
        for number, recipe in enumerate(missing, 1):
            place = self.folder(recipe)
            log = self.cache / "logs" / f"{place.name}.log"
            log.parent.mkdir(parents=True, exist_ok=True)
            say(f"[{number}/{len(missing)}] {recipe.name} {recipe.version}: about {recipe.seconds} s of two idle cores,"
                f" {left_s / 60:.0f} min for all that is left")  # fmt: skip
            started = time.monotonic()
            with tempfile.TemporaryDirectory(prefix=f"carpal-{recipe.name}-") as work:
                ensured(place, partial(_built, recipe, Path(work), log))
            left_s -= recipe.seconds
            say(
                f"[{number}/{len(missing)}] {recipe.name} {recipe.version}: built in {time.monotonic() - started:.0f} s"
            )


def _built(recipe: Recipe, work: Path, log: Path, output: Path) -> None:
    gomodule.build(recipe, work, output, log)
