"""``carpal evaluate`` and ``carpal ablate``; what computes is imported when one of them runs."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from carpal.terminal import Terminal
from carpal_training.options import Data, Draws, Json, Model, Part, Repository, Seed, Threads


def evaluate_command(
    data: Annotated[
        Path,
        typer.Option(
            "--data", help="A dataset as carpal train run takes it; with --predictions or --images its dataset.csv."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder for the report and the documents behind it.")],
    model: Annotated[
        str | None, typer.Option("--model", help="A package: starter, a folder, name, name@channel, name:version.")
    ] = None,
    predictions: Annotated[
        Path | None, typer.Option("--predictions", help="Instead of a package: a table of boxes that were found.")
    ] = None,
    images: Annotated[
        list[Path] | None,
        typer.Option("--images", help="With --model: a folder of images whose truth is in the table --data."),
    ] = None,
    against: Annotated[str | None, typer.Option("--against", help="A second package to compare with.")] = None,
    part: Part = "test",
    split: Annotated[
        Path | None, typer.Option("--split", help="A table with filestem and split, instead of the package's own deal.")
    ] = None,
    focus: Annotated[
        str | None,
        typer.Option("--focus", help="Class of the subgroups; default: fracture, or the first class that is labelled."),
    ] = None,
    apart: Annotated[list[str], typer.Option("--apart", help="Class without which means are given too.")] = ["text"],  # noqa: B006  typer copies it
    threshold: Annotated[
        float | None, typer.Option("--threshold", min=0, max=1, help="A further threshold at which images are read.")
    ] = None,
    classes: Annotated[
        str, typer.Option("--classes", help="With --predictions: names in the order of class_id, commas between them.")
    ] = "",
    draws: Draws = 2000,
    seed: Seed = 0,
    repository: Repository = None,
    threads: Threads = 2,
    json: Json = False,
) -> None:
    """Measure a package on one part of a dataset, through the path that serves it, or measure stored predictions.

    With --images, the package runs on all images of the folders, and the truth of each image is its row in the table.
    """
    from carpal.errors import UsageError
    from carpal_training.data.splits import part_named
    from carpal_training.evaluation.measurement import PAGE, Options, measure_package, measure_predictions

    terminal = Terminal(json=json)
    chosen = part_named(part)
    if (model is None) == (predictions is None):
        raise UsageError(
            "there are two ways to evaluate", "A package is run, or stored predictions are read.",
            "Give --model or --predictions, one of them.",
        )  # fmt: skip
    if images:
        refused = {
            "--predictions": predictions, "--against": against, "--split": split, "--classes": classes or None,
            "--part": part if part != "test" else None,
        }  # fmt: skip
        _refuse_with_images([option for option, value in refused.items() if value is not None])
    given = {
        "model": model, "predictions": predictions, "images": images or None,
        "against": against, "data": data, "part": None if images else part, "split": split,
        "focus": focus, "threshold": threshold, "classes": classes or None,
        "draws": draws if draws != 2000 else None, "seed": seed or None, "out": out,
    }  # fmt: skip
    options = Options(
        part=chosen,
        focus=focus,
        apart=tuple(apart),
        given=threshold,
        draws=draws,
        seed=seed,
        threads=threads,
        command="carpal evaluate"
        + "".join(
            f" --{key} {quote(str(value))}"
            for key, values in given.items()
            for value in (values if isinstance(values, list) else [values])
            if value is not None
        ),
    )
    if predictions is not None:
        from carpal_training.data.table import read_table
        from carpal_training.evaluation.predictions import read_predictions

        names = tuple(name.strip() for name in classes.split(",") if name.strip())
        stored = read_predictions(predictions, names)
        exams = {row.stem: row.exam for row in read_table(data)}
        reading = measure_predictions(
            stored, exams, names, out, options, name=predictions.name.split(".")[0], dataset=data.name.split(".")[0]
        )
        terminal.result(reading)
        one = reading.levels["image"][reading.focus]
        terminal.done(f"AUC of {reading.focus} by image {one.auc.value:.4f}, {reading.images} images: {out}/{PAGE}")
        return
    from carpal.packages.reference import resolve
    from carpal_training.evaluation.parts import open_split

    package = resolve(model or "", repository)
    if images:
        from carpal_training.evaluation.image_measurement import measure_images
        from carpal_training.evaluation.image_report import counts_sentences

        reading, counts = measure_images(package, images, data, out, options, terminal)
        terminal.result(reading)
        terminal.done(f"{counts_sentences(counts, reading.focus)} {out}/{PAGE}")
        return
    dataset, dealt = open_split(package, data, split)
    other = None if against is None else resolve(against, repository)
    evaluation, _ = measure_package(package, dataset, dealt, out, options, terminal, other)
    terminal.result(evaluation)
    left = f"; no instance of {', '.join(evaluation.left_out_classes)}" if evaluation.left_out_classes else ""
    terminal.done(
        f"mAP50 {evaluation.map50:.3f}, mAP50-95 {evaluation.map50_95:.3f} over {len(evaluation.averaged_classes)} "
        f"classes, {evaluation.images} images{left}: {out}/{PAGE}"
    )


def _refuse_with_images(options: list[str]) -> None:
    from carpal.errors import UsageError

    if options:
        raise UsageError(
            f"--images cannot be combined with {', '.join(options)}",
            "With --images a package is run on all images of the folders.",
            "Give --model, --images and --data.",
        )


def ablate_command(
    model: Model,
    data: Data,
    out: Annotated[Path, typer.Option("--out", help="Folder for ablation.json and ablation.md.")],
    part: Part = "val",
    draws: Draws = 1000,
    seed: Seed = 0,
    slow: Annotated[bool, typer.Option("--slow", help="Also non-local means, seconds an image.")] = False,
    repository: Repository = None,
    threads: Threads = 2,
    json: Json = False,
) -> None:
    """Leave each preprocessing step out and put each optional one in, and measure; weights are not trained again."""
    from carpal.errors import UsageError
    from carpal.packages.reference import resolve
    from carpal_training.data.splits import part_named
    from carpal_training.evaluation.ablation import Ablation, ablate, variations, write_ablation
    from carpal_training.evaluation.parts import open_split

    terminal = Terminal(json=json)
    chosen = part_named(part)
    package = resolve(model, repository)
    dataset, split = open_split(package, data)
    samples = split.samples(dataset, chosen)
    if not samples:
        raise UsageError(f"{part} of {data} has no image", "The split gave it no patient.", "Choose another part.")
    chains = variations(package.manifest.preprocessing, slow=slow)
    terminal.say(f"{len(chains)} chains on {len(samples)} images; the weights are not trained again")
    with terminal.progress("Looking", len(chains) * len(samples)) as advance:
        arms = ablate(package, samples, chains, draws=draws, seed=seed, threads=threads, advance=advance)
    ablation = Ablation(
        model=f"{package.manifest.name}:{package.manifest.version}",
        model_digest=package.digest,
        dataset=dataset.name,
        dataset_digest=dataset.digest,
        part=chosen,
        images=len(samples),
        patients=len({sample.patient for sample in samples}),
        draws=draws,
        seed=seed,
        arms=arms,
        command=(
            f"carpal ablate --model {quote(model)} --data {quote(str(data))} --part {part} --draws {draws} "
            f"--seed {seed}{' --slow' if slow else ''} --out {quote(str(out))}"
        ),
    )
    write_ablation(ablation, out)
    terminal.result(ablation)
    best = max(arms[1:], key=lambda arm: arm.map50)
    terminal.done(
        f"Declared chain: mAP50 {arms[0].map50:.3f}; best other: {best.name}, {best.map50:.3f}: {out}/ablation.md"
    )
