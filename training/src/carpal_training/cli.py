"""``carpal train``, ``carpal evaluate`` and ``carpal export``; torch and Ray are imported when one of them runs."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from carpal.terminal import Terminal
from carpal_training.data.cli import register as register_data
from carpal_training.evaluation.cli import ablate_command, evaluate_command
from carpal_training.export.cli import export_command
from carpal_training.options import Json, Repository
from carpal_training.search.cli import search_command
from carpal_training.tuning.cli import tune_command


def register(app: typer.Typer) -> None:
    """Add the commands."""
    train = typer.Typer(no_args_is_help=True, help="Train a detector with Ray.")

    @train.callback()
    def group() -> None:
        """Train a detector with Ray."""

    train.command("run")(train_command)
    train.command("tune")(search_command)
    train.command("average")(average_command)
    register_data(train)
    app.add_typer(train, name="train")
    app.command("evaluate")(evaluate_command)
    app.command("export")(export_command)
    app.command("tune")(tune_command)
    app.command("ablate")(ablate_command)


def train_command(
    out: Annotated[Path, typer.Option("--out", help="Folder of the run; must not exist yet.")],
    recipe: Annotated[
        Path | None, typer.Argument(help="A recipe, e.g. training/recipes/quick.yaml; not needed with --resume.")
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            "--data",
            help="An imported dataset, or a folder in the layout of GRAZPEDWRI-DX. Repeat it to train on several; not "
            "needed with --resume.",
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Ray workers, instead of the recipe's.")
    ] = None,
    overrides: Annotated[list[str] | None, typer.Option("--set", help="key=value, instead of the recipe's.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    tensorboard: Annotated[
        Path | None, typer.Option("--tensorboard", help="Folder for TensorBoard's events (an extra).")
    ] = None,
    mlflow: Annotated[
        str | None, typer.Option("--mlflow", help="Folder or address of an MLflow store (an extra).")
    ] = None,
    backup: Annotated[
        str | None,
        typer.Option("--backup", help="Folder or s3://bucket/prefix: a copy after each epoch, for --resume elsewhere."),
    ] = None,
    repository: Repository = None,
    json: Json = False,
) -> None:
    """Train a network on one Ray worker or more, and leave a run in a folder."""
    from carpal.errors import UsageError
    from carpal_training.backup import Backup, fetch_run, open_place
    from carpal_training.driver import train_run
    from carpal_training.journals import Journal, MlflowJournal, TensorBoardJournal
    from carpal_training.recipe import read_recipe
    from carpal_training.run import RunFolder

    terminal = Terminal(json=json)
    if not resume and (recipe is None or not data):
        raise UsageError(
            "a new run needs a recipe and --data",
            "Only --resume takes both from the run in --out.",
            "Write, for example: carpal train run training/recipes/quick.yaml --data DATASET --out RUN.",
        )
    changes = [*(overrides or []), *([f"workers={workers}"] if workers else [])]
    folder, place = RunFolder(out), open_place(backup) if backup else None
    if resume and place is not None and not folder.last.is_file():
        terminal.say(f"Fetching the run from {backup}")
        fetch_run(place, folder, backup or "")
    chosen = read_recipe(folder.recipe_file if resume or recipe is None else recipe, changes)
    journals: list[Journal] = []
    if place is not None:
        journals.append(Backup(folder, place, terminal.say))
    if tensorboard is not None:
        journals.append(TensorBoardJournal(tensorboard))
    if mlflow is not None:
        journals.append(MlflowJournal(mlflow, out.name, chosen.flat()))
    summary = train_run(chosen, data or [], out, terminal, resume=resume, repository=repository, journals=journals)
    terminal.result(summary)
    best = "" if summary.best_map50 is None else f", best mAP50 {summary.best_map50:.3f} in epoch {summary.best_epoch}"
    terminal.done(
        f"Trained {summary.epochs_done} epochs in {summary.seconds:.0f} s{best}: {out}\n"
        f"Next: carpal export {quote(str(out))} --out {quote(str(out / 'package'))} --name wrist"
    )


def average_command(
    runs: Annotated[list[Path], typer.Argument(help="Folders of two or more runs, in the order of their training.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the run that is written; must not exist yet.")],
    json: Json = False,
) -> None:
    """Average the weights of runs that continue one another or have the same start.

    The result is a run that `carpal export` measures and exports. Compare its accuracy on the validation part with that
    of the runs: it is often higher, and inference takes no longer.
    """
    from carpal_training.averaging import average_runs

    terminal = Terminal(json=json)
    summary = average_runs(runs, out)
    terminal.result(summary)
    package = quote(str(out / "package"))
    terminal.done(
        f"Averaged {len(runs)} runs: {out}\nNext: carpal export {quote(str(out))} --out {package} --name wrist"
    )
