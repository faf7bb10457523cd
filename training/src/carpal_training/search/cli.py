"""``carpal train tune``; what computes is imported when it runs."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from carpal.terminal import Terminal
from carpal_training.options import Data, Json, Repository


def search_command(
    search: Annotated[Path, typer.Argument(help="A search, e.g. training/recipes/search.yaml.")],
    data: Data,
    out: Annotated[Path, typer.Option("--out", help="Folder of the search; must not exist yet.")],
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="key=value, instead of the varied recipe's.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the search in --out.")] = False,
    repository: Repository = None,
    json: Json = False,
) -> None:
    """Try settings of a recipe with Ray Tune, end the worse ones early, and leave the best as a recipe."""
    from carpal_training.search.plan import read_search
    from carpal_training.search.study import BEST, read_again, run_search

    terminal = Terminal(json=json)
    plan, recipe = read_again(out) if resume else read_search(search, overrides or [])
    words = "".join(f" --set {quote(one)}" for one in overrides or [])
    command = f"carpal train tune {quote(str(search))} --data {quote(str(data))} --out {quote(str(out))}{words}"
    found = run_search(plan, recipe, data, out, terminal, resume=resume, repository=repository, command=command)
    terminal.result(found)
    best = found.trials[found.best]
    changes = ", ".join(f"{key} {value}" for key, value in best.changes.items()) or "the recipe as it is"
    accuracy = f"mAP50-95 {best.best_map50_95:.3f}"
    terminal.done(
        f"Best of {len(found.trials)}: trial {best.trial}, {accuracy} ({changes}): {out / BEST}\n"
        f"Next: carpal train run {quote(str(out / BEST))} --data {quote(str(data))} --out run"
    )
