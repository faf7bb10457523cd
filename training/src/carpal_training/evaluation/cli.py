"""``carpal evaluate`` and ``carpal ablate``; what computes is imported when one of them runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from carpal.terminal import Terminal

Data = Annotated[Path, typer.Option("--data", help="An imported dataset, or a folder in the layout of GRAZPEDWRI-DX.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Repository = Annotated[str | None, typer.Option("--repository", help="Where packages are looked for.")]


def evaluate_command(
    model: Annotated[
        str, typer.Option("--model", help="A package: starter, a folder, name, name@channel, name:version.")
    ],
    data: Data,
    out: Annotated[Path, typer.Option("--out", help="Folder for evaluation.json and curves.csv.")],
    part: Annotated[str, typer.Option("--part", help="train, val or test.")] = "test",
    repository: Repository = None,
    threads: Annotated[int, typer.Option("--threads", min=1, help="Images looked at at the same time.")] = 2,
    json: Json = False,
) -> None:
    """Measure a package on one part of a dataset, through the path that serves it."""
    from carpal.detection.detector import open_detector
    from carpal.errors import UsageError
    from carpal.packages.reference import resolve
    from carpal_training.data.splits import PARTS
    from carpal_training.evaluation.evaluate import evaluate, look, write_evaluation
    from carpal_training.evaluation.parts import open_split

    terminal = Terminal(json=json)
    chosen = next((known for known in PARTS if known == part), None)
    if chosen is None:
        raise UsageError(f"--part {part} is not a part", f"The parts are {', '.join(PARTS)}.", "Choose one of them.")
    package = resolve(model, repository)
    dataset, split = open_split(package, data)
    samples = split.samples(dataset, chosen)
    if not samples:
        raise UsageError(f"{part} of {data} has no image", "The split gave it no patient.", "Choose another part.")
    with open_detector(package, threads=1) as detector:
        with terminal.progress(f"Looking at {len(samples)} images", len(samples)) as advance:
            findings = look(detector, samples, threads=threads, advance=advance)
        evaluation = evaluate(
            findings,
            detector,
            dataset=dataset.name,
            dataset_digest=dataset.digest,
            split_digest=split.digest,
            part=chosen,
            command=f"carpal evaluate --model {model} --data {data} --part {part} --out {out}",
        )
    write_evaluation(evaluation, findings, out)
    terminal.result(evaluation)
    left = f"; no instance of {', '.join(evaluation.left_out_classes)}" if evaluation.left_out_classes else ""
    terminal.done(
        f"mAP50 {evaluation.map50:.3f}, mAP50-95 {evaluation.map50_95:.3f} over {len(evaluation.averaged_classes)} "
        f"classes, {evaluation.images} images{left}: {out}/evaluation.json"
    )


def ablate_command(
    model: Annotated[
        str, typer.Option("--model", help="A package: starter, a folder, name, name@channel, name:version.")
    ],
    data: Data,
    out: Annotated[Path, typer.Option("--out", help="Folder for ablation.json and ablation.md.")],
    part: Annotated[str, typer.Option("--part", help="train, val or test.")] = "val",
    draws: Annotated[int, typer.Option("--draws", min=100, help="Draws of patients for the intervals.")] = 1000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed draws the same patients.")] = 0,
    slow: Annotated[bool, typer.Option("--slow", help="Also non-local means, seconds an image.")] = False,
    repository: Repository = None,
    threads: Annotated[int, typer.Option("--threads", min=1, help="Images looked at at the same time.")] = 2,
    json: Json = False,
) -> None:
    """Leave each preprocessing step out and put each optional one in, and measure; weights are not trained again."""
    from carpal.errors import UsageError
    from carpal.packages.reference import resolve
    from carpal_training.data.splits import PARTS
    from carpal_training.evaluation.ablation import Ablation, ablate, variations, write_ablation
    from carpal_training.evaluation.parts import open_split

    terminal = Terminal(json=json)
    chosen = next((known for known in PARTS if known == part), None)
    if chosen is None:
        raise UsageError(f"--part {part} is not a part", f"The parts are {', '.join(PARTS)}.", "Choose one of them.")
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
            f"carpal ablate --model {model} --data {data} --part {part} --draws {draws} --seed {seed}"
            f"{' --slow' if slow else ''} --out {out}"
        ),
    )
    write_ablation(ablation, out)
    terminal.result(ablation)
    best = max(arms[1:], key=lambda arm: arm.map50)
    terminal.done(
        f"Declared chain: mAP50 {arms[0].map50:.3f}; best other: {best.name}, {best.map50:.3f}: {out}/ablation.md"
    )
