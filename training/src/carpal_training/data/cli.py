"""``carpal train import`` and ``carpal train split``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from carpal.errors import UsageError
from carpal.terminal import Terminal
from carpal_training.options import Json


def register(train: typer.Typer) -> None:
    """Add the commands to the group ``carpal train``."""
    train.command("import")(import_command)
    train.command("split")(split_command)


def import_command(
    layout: Annotated[str, typer.Argument(help="graz, coco, yolo, voc or dicom (images with structured reports).")],
    path: Annotated[Path, typer.Argument(help="Folder of the dataset as it was distributed.")],
    out: Annotated[
        Path, typer.Option("--out", help="Folder for the index, the card and the issues; images stay where they are.")
    ] = Path("dataset"),
    labels: Annotated[str, typer.Option("--labels", help="Of graz: yolo, voc or supervisely.")] = "yolo",
    patients: Annotated[
        Path | None, typer.Option("--patients", help="CSV: filestem, patient_id, any other column of dataset.csv.")
    ] = None,
    patient_pattern: Annotated[
        str | None,
        typer.Option("--patient-pattern", help="Regular expression on names, with a group (?P<patient>...)."),
    ] = None,
    one_patient_an_image: Annotated[
        bool, typer.Option("--one-patient-an-image", help="No two images are of one patient.")
    ] = False,
    prints: Annotated[
        bool, typer.Option("--prints/--no-prints", help="Fingerprint images now; training needs it to find leaks.")
    ] = True,
    json: Json = False,
) -> None:
    """Read a dataset, check every label, and leave what training and evaluation need in a folder."""
    from carpal_training.data.graz import FORMS
    from carpal_training.data.importing import LAYOUTS, PAGE_FILE, ImportPlan, Layout, import_dataset
    from carpal_training.data.patients import PatientRule

    terminal = Terminal(json=json)
    for name, value, known in (("layout", layout, LAYOUTS), ("--labels", labels, FORMS)):
        if value not in known:
            raise UsageError(f"{name} {value} is not known", f"Known are {', '.join(known)}.", "Choose one of them.")
    options = "".join(
        [
            f" --labels {labels}" if labels != "yolo" else "",
            f" --patients {patients}" if patients else "",
            f" --patient-pattern '{patient_pattern}'" if patient_pattern else "",
            " --one-patient-an-image" if one_patient_an_image else "",
            "" if prints else " --no-prints",
        ]
    )
    plan = ImportPlan(
        layout=cast(Layout, layout),
        root=path,
        labels=next(form for form in FORMS if form == labels),
        rule=PatientRule(patients, patient_pattern, one_patient_an_image),
        prints=prints,
        command=f"carpal train import {layout} {path}{options} --out {out}",
    )
    card = import_dataset(plan, out, terminal)
    terminal.result(card)
    said = ", ".join(f"{count} {kind}" for kind, count in card.issues.items()) or "nothing to remark"
    terminal.done(
        f"Imported {card.images} images of {card.patients} patients, "
        f"{sum(one.instances for one in card.classes.values())} boxes ({said}): {out}/{PAGE_FILE}\n"
        f"Next: carpal train run training/recipes/quick.yaml --data {out} --out run"
    )


def split_command(
    data: Annotated[Path, typer.Option("--data", help="An imported dataset, or the layout of GRAZPEDWRI-DX.")],
    out: Annotated[Path | None, typer.Option("--out", help="Table to write: filestem, split.")] = None,
    file: Annotated[Path | None, typer.Option("--file", help="A published split to check, instead of dealing.")] = None,
    train: Annotated[float, typer.Option("--train", min=0, max=1, help="Share of the patients to train on.")] = 0.7,
    val: Annotated[float, typer.Option("--val", min=0, max=1, help="Share to validate on; the rest tests.")] = 0.2,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed deals the same patients.")] = 0,
    json: Json = False,
) -> None:
    """Deal patients out so that all parts are alike, or check a published split; refuse leaks between parts."""
    from carpal_training.data.leaks import image_leaks, refuse
    from carpal_training.data.opening import open_dataset
    from carpal_training.data.prints import prints_of
    from carpal_training.data.splits import make_split, summarise
    from carpal_training.recipe import SplitPlan
    from carpal_training.run import write_whole

    if train + val > 1:
        raise UsageError(f"--train {train} and --val {val} are more than the whole", "", "Give smaller shares.")
    terminal = Terminal(json=json)
    dataset = open_dataset(data)
    split = make_split(dataset, SplitPlan(train=train, val=val, seed=seed, file=str(file) if file else None))
    with terminal.progress("Looking for images in two parts", len(dataset.samples)) as advance:
        refuse(image_leaks(dataset, split.homes, prints_of(dataset.samples, advance=advance)))
    summary = summarise(dataset, split)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_whole(out, split.csv().encode())
    terminal.result({"digest": split.digest, "parts": summary})
    lines = [
        f"{part}: {one['images']} images of {one['patients']} patients; "
        + ", ".join(f"{name} {count}" for name, count in one["classes"].items())
        for part, one in summary.items()
    ]
    where = f" {out}" if out else ""
    terminal.done("\n".join([*lines, f"No patient and no image is in two parts.{where}"]))
