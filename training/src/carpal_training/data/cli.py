"""``carpal train import`` and ``carpal train split``."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from carpal.errors import UsageError
from carpal.terminal import Terminal
from carpal_training.options import Json


def register(train: typer.Typer) -> None:
    """Add the commands to the group ``carpal train``."""
    train.command("import")(import_command)
    train.command("split")(split_command)


def import_command(
    layout: Annotated[
        str, typer.Argument(help="graz, coco, yolo, voc, dicom (images with structured reports) or fracatlas.")
    ],
    path: Annotated[Path, typer.Argument(help="Folder of the dataset as it was distributed.")],
    out: Annotated[
        Path, typer.Option("--out", help="Folder for the index, the card and the issues; images stay where they are.")
    ] = Path("dataset"),
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels",
            help="Form of the labels. graz: yolo (default), voc, supervisely. fracatlas: coco (default), voc, yolo.",
        ),
    ] = None,
    classes: Annotated[
        str | None, typer.Option("--classes", help="Classes to keep, in this order: fracture,metal. Default: all.")
    ] = None,
    patients: Annotated[
        Path | None,
        typer.Option(
            "--patients", help="CSV: filestem, patient_id, any other column of dataset.csv, group:<dimension> columns."
        ),
    ] = None,
    patient_pattern: Annotated[
        str | None,
        typer.Option("--patient-pattern", help="Regular expression on names, with a group (?P<patient>...)."),
    ] = None,
    one_patient_an_image: Annotated[
        bool, typer.Option("--one-patient-an-image", help="No two images are of one patient.")
    ] = False,
    groups: Annotated[
        Path | None,
        typer.Option("--groups", help="CSV: filestem, group_id. Groups take the place of unknown patients."),
    ] = None,
    group_pattern: Annotated[
        str | None,
        typer.Option(
            "--group-pattern",
            help="Regular expression on names, with a group (?P<group>...), if patients are unknown.",
        ),
    ] = None,
    authors_split: Annotated[
        bool,
        typer.Option("--authors-split", help="fracatlas: use the authors' split, which has the fractured images only."),
    ] = False,
    prints: Annotated[
        bool, typer.Option("--prints/--no-prints", help="Fingerprint images now; training needs it to find leaks.")
    ] = True,
    json: Json = False,
) -> None:
    """Read a dataset, check every label, and leave what training and evaluation need in a folder."""
    from carpal_training.data.importing import LAYOUTS, PAGE_FILE, ImportPlan, import_dataset
    from carpal_training.data.patients import PatientRule

    terminal = Terminal(json=json)
    if layout not in LAYOUTS:
        raise UsageError(f"layout {layout} is not known", f"Known are {', '.join(LAYOUTS)}.", "Choose one of them.")
    values: dict[str, object] = {
        "--labels": labels,
        "--classes": classes,
        "--patients": patients,
        "--patient-pattern": patient_pattern,
        "--one-patient-an-image": one_patient_an_image,
        "--groups": groups,
        "--group-pattern": group_pattern,
        "--authors-split": authors_split,
        "--no-prints": not prints,
    }
    plan = ImportPlan(
        layout=layout,
        root=path,
        labels=labels,
        rule=PatientRule(patients, patient_pattern, one_patient_an_image, groups, group_pattern),
        prints=prints,
        command=_command(["carpal", "train", "import", layout, str(path)], {**values, "--out": out}),
        classes=_names(classes),
        authors_split=authors_split,
    )
    card = import_dataset(plan, out, terminal)
    terminal.result(card)
    said = ", ".join(f"{count} {kind}" for kind, count in card.issues.items()) or "nothing to remark"
    parts = ", ".join(f"{part} {count}" for part, count in card.parts.items())
    terminal.done(
        f"Imported {card.images} images of {card.patients} {card.unit}s, "
        f"{sum(one.instances for one in card.classes.values())} boxes ({said}): {out}/{PAGE_FILE}\n"
        + (f"Parts of the dataset: {parts}\n" if parts else "")
        + f"Next: carpal train run training/recipes/quick.yaml --data {shlex.quote(str(out))} --out run"
    )


def _command(words: list[str], options: Mapping[str, object]) -> str:
    """A command line that can be pasted, with the options that have a value; True is a flag."""
    for option, value in options.items():
        if value is True:
            words.append(option)
        elif value is not None and value is not False:
            words += [option, str(value)]
    return shlex.join(words)


def _names(classes: str | None) -> tuple[str, ...]:
    """The class names of --classes."""
    if classes is None:
        return ()
    names = tuple(name.strip() for name in classes.split(","))
    if not all(names) or len(set(names)) != len(names):
        raise UsageError(
            f"--classes {classes} has an empty name or a name twice",
            "Class numbers follow the order of the names.",
            "Give each class once, separated by commas.",
        )
    return names


def split_command(
    data: Annotated[Path, typer.Option("--data", help="An imported dataset, or the layout of GRAZPEDWRI-DX.")],
    out: Annotated[Path | None, typer.Option("--out", help="Table to write: filestem, split.")] = None,
    file: Annotated[Path | None, typer.Option("--file", help="A published split to check, instead of dealing.")] = None,
    train: Annotated[float, typer.Option("--train", min=0, max=1, help="Share of the patients to train on.")] = 0.7,
    val: Annotated[float, typer.Option("--val", min=0, max=1, help="Share to validate on; the rest tests.")] = 0.2,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed deals the same patients.")] = 0,
    carried: Annotated[
        bool,
        typer.Option("--carried/--deal", help="Use the parts that the dataset has, if it has any; or deal anew."),
    ] = True,
    json: Json = False,
) -> None:
    """Deal patients out so that all parts are alike, or check a published split; refuse leaks between parts."""
    from carpal_training.data.leaks import image_leaks, refuse
    from carpal_training.data.opening import open_dataset
    from carpal_training.data.prints import prints_of
    from carpal_training.data.splits import carries_parts, make_split, summarise
    from carpal_training.recipe import SplitPlan
    from carpal_training.run import write_whole

    if train + val > 1:
        raise UsageError(f"--train {train} and --val {val} are more than the whole", "", "Give smaller shares.")
    terminal = Terminal(json=json)
    dataset = open_dataset(data)
    plan = SplitPlan(train=train, val=val, seed=seed, file=str(file) if file else None, carried=carried)
    split = make_split(dataset, plan)
    with terminal.progress("Looking for images in two parts", len(dataset.samples)) as advance:
        refuse(image_leaks(dataset, split.homes, prints_of(dataset.samples, advance=advance)))
    summary = summarise(dataset, split)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_whole(out, split.csv(dataset).encode())
    terminal.result({"digest": split.digest, "parts": summary})
    lines = [
        f"{part}: {one['images']} images of {one['patients']} {dataset.unit}s; "
        + ", ".join(f"{name} {count}" for name, count in one["classes"].items())
        for part, one in summary.items()
    ]
    left_out = len(dataset.samples) - len(split.homes)
    if left_out:
        lines.append(f"in no part: {left_out} images")
    if file is None and carried and carries_parts(dataset):
        lines.append("The parts are those of the dataset; --deal ignores them.")
    where = f" {out}" if out else ""
    terminal.done("\n".join([*lines, f"No {dataset.unit} and no image is in two parts.{where}"]))
