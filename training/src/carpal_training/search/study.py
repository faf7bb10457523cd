"""``carpal train tune``: from a search and a dataset to the settings that trained best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from shlex import quote

import yaml

from carpal.machine import usable_cores
from carpal.terminal import Terminal
from carpal_training.distributed.cluster import on_cluster
from carpal_training.distributed.search import Trials, tune
from carpal_training.errors import RunExistsError, RunMissingError, SearchFailedError, StoppedError
from carpal_training.job import Job
from carpal_training.origin import code_revision, library_versions
from carpal_training.preparation import find_start, open_parts, prepare
from carpal_training.recipe import Recipe, read_recipe, recipe_yaml
from carpal_training.run import RunFolder, write_whole
from carpal_training.search.plan import Search, Trial, draw_trials, read_search
from carpal_training.search.results import Found, best_of, read_outcome, table

SEARCH, RECIPE, BEST, TABLE, FOUND = "search.yaml", "recipe.yaml", "best.yaml", "trials.csv", "search.json"
KEPT = ("workers", "fewest_workers", "restarts", "validate_every")  # what a trial has otherwise than its recipe
RunTrials = Callable[[Trials, Callable[[], None]], None]


def on_ray(trials: Trials, tick: Callable[[], None]) -> None:
    """Run the trials on Ray, on as many cores as there are trials at the same time."""
    on_cluster(tune, trials, min(len(trials.jobs), trials.at_once or usable_cores()), tick)


def run_search(
    search: Search,
    recipe: Recipe,
    data: Path,
    out: Path,
    terminal: Terminal,
    *,
    resume: bool = False,
    repository: str | None = None,
    command: str = "",
    run_trials: RunTrials = on_ray,
) -> Found:
    """Train the trials, and leave the best settings in ``out`` as a recipe.

    Args:
        search, recipe: what ``read_search`` or, to go on, ``read_again`` gave.
        data: the dataset.
        out: the search's folder; it must not hold anything, but with ``resume`` a search.
        terminal: hears of the progress.
        resume: go on; what was trained is kept.
        repository: where ``recipe.start`` is looked for when it names a package.
        command: what was called, for the result.
        run_trials: runs them, calling its second argument now and then.

    Raises:
        CarpalError: of every kind that carpal_training.errors names; StoppedError after ctrl-C.
    """
    trials = draw_trials(search, recipe)
    out = out.resolve()
    if not resume and out.exists() and any(out.iterdir()):
        raise RunExistsError(
            f"{out} is not empty", "A search never writes over another one.", "Choose another --out, or --resume."
        )
    whole = RunFolder(out)
    kept = whole.read_split() if resume else None
    dataset, split = open_parts([data], recipe, terminal, leaks=not resume, kept=kept)
    jobs = []
    for trial in trials:
        folder = _folder(out, trial)
        folder.path.mkdir(parents=True, exist_ok=True)
        folder.write_recipe(trial.recipe)
        train, val = prepare(dataset, split, trial.recipe.chain, out / "cache", terminal)
        start, _ = find_start(trial.recipe.start, dataset.classes, repository)
        jobs.append(Job(trial.recipe, folder.path, train, val, dataset.classes, start))
    write_whole(out / RECIPE, recipe_yaml(recipe))
    whole.write_split(split)
    again = search.model_copy(update={"recipe": RECIPE})
    write_whole(out / SEARCH, yaml.safe_dump(again.model_dump(mode="json"), sort_keys=False).encode())
    terminal.say(f"{len(trials)} trials of {recipe.epochs} epochs at most; Ray takes some seconds to start")
    plan = Trials(tuple(jobs), out / "ray", recipe.epochs, search.grace_epochs, search.keep_one_of, search.at_once)
    try:
        with terminal.progress("Training trials", len(trials) * recipe.epochs) as advance:
            told = _Told(out, trials, terminal.say, advance)
            run_trials(plan, told.tick)
            told.tick()
    except KeyboardInterrupt:
        raise StoppedError(
            "stopped",
            "Every trial keeps its last whole epoch.",
            f"Go on: carpal train tune {quote(str(out / SEARCH))} --data {quote(str(data.resolve()))} "
            f"--out {quote(str(out))} --resume",
        ) from None
    finally:
        outcomes = tuple(read_outcome(trial, _folder(out, trial)) for trial in trials)
        write_whole(out / TABLE, table(outcomes))
    best = best_of(outcomes)
    if best is None:
        raise SearchFailedError(
            f"none of {len(trials)} trials came to a validation without diverging",
            f"{out / TABLE} says what became of each.",
            "Narrow the space, a lower lr first.",
        )
    settings = trials[best.trial].recipe.model_copy(update={key: getattr(recipe, key) for key in KEPT})
    write_whole(out / BEST, recipe_yaml(settings))
    found = Found(
        search=search,
        dataset=dataset.name,
        dataset_digest=dataset.digest,
        split_digest=split.digest,
        code_revision=code_revision(),
        libraries=library_versions(),
        best=best.trial,
        trials=outcomes,
        command=command,
    )
    write_whole(out / FOUND, found.to_json(indent=True))
    return found


def read_again(out: Path) -> tuple[Search, Recipe]:
    """The search of a folder, to go on with it.

    Raises:
        RunMissingError: there is none.
    """
    if not (out / SEARCH).is_file():
        raise RunMissingError(f"{out} holds no search", f"{SEARCH} is not there.", "Start without --resume.")
    return read_search(out / SEARCH)[0], read_recipe(out / RECIPE)


class _Told:
    """Says each epoch of each trial once."""

    def __init__(
        self, out: Path, trials: Sequence[Trial], say: Callable[[str], None], advance: Callable[[int], object]
    ) -> None:
        self._trials = [(trial, _folder(out, trial)) for trial in trials]
        self._say, self._advance = say, advance
        self._told = [len(folder.read_epochs()) for _, folder in self._trials]

    def tick(self) -> None:
        """Say what is new."""
        for place, (trial, folder) in enumerate(self._trials):
            for epoch in folder.read_epochs()[self._told[place] :]:
                accuracy = "" if epoch.map50_95 is None else f": mAP50-95 {epoch.map50_95:.3f}"
                self._say(f"trial {trial.number}, epoch {epoch.epoch}/{trial.recipe.epochs}{accuracy}")
                self._advance(1)
                self._told[place] += 1


def _folder(out: Path, trial: Trial) -> RunFolder:
    return RunFolder(out / "trials" / f"{trial.number:03d}")
