"""`carpal export`: from a run to a package, through the parity gate."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from carpal.detection.detector import open_detector
from carpal.imaging.readers import read
from carpal.packages.manifest import (
    Accuracy,
    Card,
    ClassAccuracy,
    Manifest,
    NmsDefaults,
    OperatingPoint,
    OperatingPoints,
    OutputLayout,
    Provenance,
    TrainingDataset,
    Variant,
)
from carpal.packages.package import Package, write_package
from carpal.terminal import Terminal
from carpal_training.data.dataset import Dataset, Sample
from carpal_training.data.opening import open_dataset
from carpal_training.data.splits import Split
from carpal_training.errors import DataDiffersError
from carpal_training.evaluation.findings import look
from carpal_training.export.candidates import try_variants
from carpal_training.export.gate import Gate
from carpal_training.export.measured import measured, references
from carpal_training.export.network import anchors, export_checkpoint, export_network, restore
from carpal_training.export.parity import IMAGES, Parity, check_parity
from carpal_training.export.precisions import CALIBRATION_IMAGES
from carpal_training.export.variants import REFERENCE, ExportReport, Plan, Sources
from carpal_training.preparation import split_together
from carpal_training.recipe import Recipe
from carpal_training.run import RunFolder, Summary, write_whole


@dataclass(frozen=True)
class Exported:
    """What ``carpal export`` made and found."""

    package: Package
    parity: Parity
    report: ExportReport


def export_run(
    run: Path,
    target: Path,
    name: str,
    terminal: Terminal,
    *,
    data: Sequence[Path] = (),
    size_px: int | None = None,
    plans: Mapping[str, Plan] = MappingProxyType({}),
    accept: Gate = "99%",
    command: str = "",
) -> Exported:
    """Export a run's best weights, compare them with what was trained, measure, and write a package.

    Args:
        run: the run's folder.
        target: the package's folder; it must not exist.
        name: of the package; its version is 1 until a repository gives it another.
        data: the datasets, in the order of the run, if they were moved since run.json was written.
        size_px: height and width of the network's input, instead of those that it was trained at.
        plans: variants to make beside the float reference.
        accept: the weakest gate that keeps a variant.
        command: what was called, for the report.

    Raises:
        ParityFailedError: the exported network does not find what the trained one finds; nothing is written.
        CarpalError: no run, another dataset, a target that exists.
    """
    folder = RunFolder(run)
    recipe, summary = folder.read_recipe(), folder.read_summary()
    recipe = recipe if size_px is None else recipe.model_copy(update={"size_px": size_px})
    dataset, split = _data(recipe, summary, data, folder.read_split())
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".export-") as temporary:
        files = Path(temporary)
        terminal.say("Exporting to ONNX")
        file = files / REFERENCE
        checkpoint = export_checkpoint(folder.best, file, recipe.size_px)
        draft = _draft(recipe, summary, name, file)
        # A package of its own, with placeholders for what is measured: the served path needs a whole one to run.
        package = write_package(files / "draft", draft, {REFERENCE: file})
        held_out = split.samples(dataset, "val")
        with open_detector(package, threads=1) as detector:
            terminal.say(f"Comparing with the trained network on {min(IMAGES, len(held_out))} images")
            parity = check_parity(restore(checkpoint), detector, spread(held_out, IMAGES))
            with terminal.progress(f"Measuring on {len(held_out)} validation images", len(held_out)) as advance:
                findings = look(detector, held_out, advance=advance)
            manifest = measured(draft, findings, detector, recipe, dataset, split)
        known = spread(_reference_samples(split.samples(dataset, "train"), recipe), CALIBRATION_IMAGES)
        sources = Sources(
            static=file,
            dynamic=lambda to: export_network(
                restore(checkpoint), checkpoint.classes, to, recipe.size_px, batch="free"
            ),
            calibration=lambda: [recipe.chain.apply(read(sample.image).pixels).image[None] for sample in known],
        )
        floats = references(manifest, recipe, dataset)
        candidates = try_variants(plans, sources, manifest, floats, held_out, files, accept, terminal)
        kept = tuple(one.variant for one in candidates if one.variant is not None)
        manifest = manifest.model_copy(update={"variants": (*manifest.variants, *kept)})
        package = write_package(target, manifest, {one.file: files / one.file for one in manifest.variants})
    report = ExportReport(
        package=str(target),
        digest=package.digest,
        size_px=recipe.size_px,
        images=len(held_out),
        calibration_images=len(known),
        accept=accept,
        reference_map50_95=manifest.accuracy.map50_95,
        variants=tuple(one.report for one in candidates),
        command=command,
    )
    write_whole(folder.variants_file, report.to_json(indent=True))
    return Exported(package, parity, report)


def _data(recipe: Recipe, summary: Summary, data: Sequence[Path], kept: Split | None) -> tuple[Dataset, Split]:
    members = [open_dataset(path) for path in data or [Path(used.path) for used in summary.datasets]]
    dataset, split = split_together(members, recipe, kept)
    if (dataset.digest, split.digest) != (summary.dataset_digest, summary.split_digest):
        raise DataDiffersError(
            f"{dataset.root} is not what the run was trained on",
            f"Its digest is {dataset.digest[:19]}, the run's is {summary.dataset_digest[:19]}.",
            "Name the datasets of the run with --data, in the same order.",
        )
    return dataset, split


def _reference_samples(samples: tuple[Sample, ...], recipe: Recipe) -> tuple[Sample, ...]:
    """The samples of the reference datasets; all of them if the recipe names none."""
    chosen = tuple(sample for sample in samples if recipe.dataset_plan(sample.member).reference)
    return chosen or samples


def spread(items: tuple[Sample, ...], count: int) -> list[Sample]:
    """At most so many of the items, evenly over all of them."""
    places = np.unique(np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int))
    return [items[place] for place in places]


def _training_datasets(summary: Summary) -> tuple[TrainingDataset, ...]:
    if len(summary.datasets) < 2:
        return ()
    return tuple(TrainingDataset(**used.model_dump(exclude={"path"})) for used in summary.datasets)


def _draft(recipe: Recipe, summary: Summary, name: str, file: Path) -> Manifest:
    """Everything that is known before measuring."""
    unknown = OperatingPoints(
        high_sensitivity=OperatingPoint(threshold=0.25), high_specificity=OperatingPoint(threshold=0.5)
    )
    nothing = ClassAccuracy(instances=0, precision=None, recall=None, ap50=None, ap50_95=None)
    return Manifest(
        name=name,
        version="1",
        classes=summary.classes,
        preprocessing=recipe.chain,
        output=OutputLayout(anchors=anchors(recipe.size_px)),
        nms=NmsDefaults(),
        operating_points=dict.fromkeys(summary.classes, unknown),
        variants=(Variant(file=REFERENCE, sha256=hashlib.sha256(file.read_bytes()).hexdigest()),),
        accuracy=Accuracy(
            dataset=summary.dataset,
            dataset_digest=summary.dataset_digest,
            images=0,
            map50=0.0,
            map50_95=0.0,
            averaged_classes=(),
            classes=dict.fromkeys(summary.classes, nothing),
            command="",
        ),
        provenance=Provenance(
            dataset=summary.dataset,
            dataset_digest=summary.dataset_digest,
            split_digest=summary.split_digest,
            datasets=_training_datasets(summary),
            training={
                **recipe.flat(),
                "start": Path(recipe.start).name,
                "start_sha256": summary.start_sha256,
                **({"average_of": ", ".join(summary.average_of)} if summary.average_of else {}),
                "epochs_done": summary.epochs_done,
                "best_epoch": summary.best_epoch,
            },
            core_hours=None if summary.core_hours is None else round(summary.core_hours, 2),
            parent=summary.parent,
            code_revision=summary.code_revision,
            libraries=summary.libraries,
            created=summary.created,
        ),
        card=Card(**recipe.card.model_dump()),
    )
