"""``carpal evaluate``: everything that is measured of one model, or of stored predictions, and the page about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from carpal.detection.detector import open_detector
from carpal.detection.postprocess import Detections
from carpal.errors import UsageError
from carpal.packages.card import model_card
from carpal.packages.manifest import Manifest, OperatingPoints
from carpal.packages.package import Package
from carpal.reports.blocks import Figure, Source
from carpal.reports.page import write_page
from carpal.terminal import Terminal
from carpal_training.data.dataset import Dataset, Sample
from carpal_training.data.dealing import Part
from carpal_training.data.exam import Exam
from carpal_training.data.splits import Split
from carpal_training.errors import ClassNotLabelledError, PredictionsInvalidError
from carpal_training.evaluation.boxes import box_figures
from carpal_training.evaluation.cases import Cases, cases_from_boxes, cases_from_table
from carpal_training.evaluation.comparison import Comparison, compare_aucs, compare_boxes
from carpal_training.evaluation.evaluate import Evaluation, evaluate, write_evaluation
from carpal_training.evaluation.findings import Findings, look
from carpal_training.evaluation.gallery import pictures, worst
from carpal_training.evaluation.operating_points import choose
from carpal_training.evaluation.predictions import Predictions, write_predictions
from carpal_training.evaluation.reading import Plan, Reading, read_cases
from carpal_training.evaluation.report import report_page
from carpal_training.run import write_whole

PAGE, READING, COMPARISON, PREDICTIONS = "report.html", "reading.json", "comparison.json", "predictions.csv.gz"


@dataclass(frozen=True)
class Options:
    """What to measure, and how carefully.

    Attributes:
        part: of the split.
        focus: class of the subgroups; None: fracture if it is labelled, else the first labelled class.
        apart: classes without which means are given too.
        given: a further threshold at which images are read.
        draws, seed: of the bootstrap by patient.
        threads: images looked at at the same time.
        pictures: false alarms, and misses, in the gallery.
        command: what gives the same again.
    """

    part: Part = "test"
    focus: str | None = None
    apart: tuple[str, ...] = ("text",)
    given: float | None = None
    draws: int = 2000
    seed: int = 0
    threads: int = 2
    pictures: int = 6
    command: str = ""


@dataclass(frozen=True)
class Measured:
    """What one model said of a part: its boxes and its images."""

    name: str
    findings: Findings
    cases: Cases


def measure_package(
    package: Package,
    dataset: Dataset,
    split: Split,
    out: Path,
    options: Options,
    terminal: Terminal,
    against: Package | None = None,
) -> tuple[Evaluation, Reading]:
    """Run a package over a part by the path that serves, and write every file.

    Raises:
        UsageError: the part has no image.
        EngineError, ImageError: the network does not run, or an image cannot be read.
    """
    samples = split.samples(dataset, options.part)
    check_focus(options.focus, dataset)
    if not samples:
        raise UsageError(
            f"{options.part} of {dataset.root} has no image", "The split gave it no patient.", "Choose another part."
        )
    first = _look(package, samples, options, terminal)
    manifest = package.manifest
    thresholds = {name: point.high_sensitivity.threshold for name, point in manifest.operating_points.items()}
    terminal.say(f"Drawing {dataset.unit}s {options.draws} times")
    boxes = box_figures(
        first.findings,
        thresholds,
        manifest.calibration,
        apart=options.apart,
        draws=options.draws,
        seed=options.seed,
    )
    with open_detector(package, threads=1) as detector:
        evaluation = evaluate(
            first.findings,
            detector,
            dataset=dataset.name,
            dataset_digest=dataset.digest,
            split_digest=split.digest,
            part=options.part,
            command=options.command,
            boxes=boxes,
            unit=dataset.unit,
        )
    reading = _read(first, manifest.operating_points, dataset.name, "labels", options, dataset.unit)
    comparison = None if against is None else _compare(first, _look(against, samples, options, terminal), options)
    failures = worst(first.findings, thresholds, options.apart, options.pictures)
    write_evaluation(evaluation, first.findings, out)
    stems = [sample.stem for sample in samples]
    write_predictions(out / PREDICTIONS, stems, first.findings.found, first.findings.sizes, options.part)
    _write(
        out,
        reading,
        first.cases,
        evaluation,
        comparison,
        pictures(failures, first.findings, Source(PREDICTIONS, options.command)),
        _card(package, manifest),
    )
    return evaluation, reading


def check_focus(focus: str | None, dataset: Dataset) -> None:
    """Refuse figures of a class that the labels do not cover: its findings are neither right nor wrong.

    Raises:
        UsageError: the class is not known at all.
        ClassNotLabelledError: no image of the dataset is labelled for it.
    """
    if focus is None:
        return
    if focus not in dataset.classes:
        raise UsageError(
            f"class {focus} is not known", f"Known classes: {', '.join(dataset.classes)}.", "Correct --focus."
        )
    covered = dataset.labelled()
    labelled = [name for index, name in enumerate(dataset.classes) if covered[:, index].all()]
    if focus not in labelled:
        raise ClassNotLabelledError(
            f"{dataset.name} does not label {focus}",
            f"It labels {', '.join(labelled)}. Whether a finding of another class is right cannot be known there.",
            "Evaluate this class on a dataset that labels it, or choose another --focus.",
        )


def measure_predictions(
    predictions: Predictions,
    exams: dict[str, Exam],
    classes: tuple[str, ...],
    out: Path,
    options: Options,
    *,
    name: str,
    dataset: str,
) -> Reading:
    """Measure stored predictions against a table that says which classes are visible in each image.

    Operating points are chosen on the predictions of the part ``val``; without any, as for a class that is never there.

    Raises:
        PredictionsInvalidError: an image that the table does not know, or no image of the part.
        UsageError: the table says of no class whether it is visible.
    """
    unknown = sorted(set(predictions.found) - set(exams))
    if unknown:
        raise PredictionsInvalidError(
            f"{len(unknown)} images are not in the table, first {unknown[0]}",
            "Who they are of, and what is true of them, is not known.",
            "Name the table of the dataset that the predictions are of.",
        )
    cases = {part: _part(predictions, exams, classes, part) for part in ("val", options.part)}
    chosen = cases[options.part]
    if not len(chosen):
        raise PredictionsInvalidError(
            f"no image is in {options.part}", "The column split says which part an image is in.", "Choose another part."
        )
    if not chosen.classes:
        raise UsageError(
            "the table says of no class whether it is visible",
            "It needs the column fracture_visible or metal.",
            "Name the table of GRAZPEDWRI-DX.",
        )
    points = {
        known: choose(cases["val"].scores[:, index], cases["val"].present[:, index])
        for index, known in enumerate(chosen.classes)
    }
    measured = Measured(name, Findings([], [], classes), chosen)
    reading = _read(measured, points, dataset, "table", options)
    out.mkdir(parents=True, exist_ok=True)
    _write(out, reading, chosen, None, None, (), "")
    return reading


def _look(package: Package, samples: tuple[Sample, ...], options: Options, terminal: Terminal) -> Measured:
    name = f"{package.manifest.name}:{package.manifest.version}"
    with (
        open_detector(package, threads=1) as detector,
        terminal.progress(f"{name} looks at {len(samples)} images", len(samples)) as advance,
    ):
        findings = look(detector, samples, threads=options.threads, advance=advance)
    exams = [sample.exam for sample in samples]
    cases = cases_from_boxes(findings.found, findings.truths, exams, findings.classes, findings.labelled_classes)
    return Measured(name, findings, cases)


def _part(predictions: Predictions, exams: dict[str, Exam], classes: tuple[str, ...], part: str) -> Cases:
    stems = [stem for stem in sorted(predictions.found) if predictions.parts.get(stem) == part]
    found: list[Detections] = [predictions.found[stem] for stem in stems]
    return cases_from_table(found, [exams[stem] for stem in stems], classes)


def _read(
    measured: Measured,
    points: dict[str, OperatingPoints],
    dataset: str,
    truth: Literal["labels", "table"],
    options: Options,
    unit: Literal["patient", "group"] = "patient",
) -> Reading:
    plan = Plan(points, options.given, options.focus, options.draws, options.seed)
    return read_cases(
        measured.cases,
        plan,
        model=measured.name,
        dataset=dataset,
        part=options.part,
        truth=truth,
        command=options.command,
        unit=unit,
    )


def _compare(first: Measured, second: Measured, options: Options) -> Comparison:
    draws, seed = options.draws, options.seed
    return Comparison(
        first=first.name,
        second=second.name,
        images=len(first.cases),
        patients=first.cases.patients,
        draws=draws,
        seed=seed,
        ap50=compare_boxes(first.findings, second.findings, draws=draws, seed=seed),
        auc=compare_aucs(first.cases, second.cases, draws=draws, seed=seed),
        command=options.command,
    )


def _card(package: Package, manifest: Manifest) -> str:
    return model_card(manifest, package.digest)


def _write(
    out: Path,
    reading: Reading,
    cases: Cases,
    evaluation: Evaluation | None,
    comparison: Comparison | None,
    failures: tuple[Figure, ...],
    card: str,
) -> None:
    write_whole(out / READING, reading.to_json(indent=True))
    if comparison is not None:
        write_whole(out / COMPARISON, comparison.to_json(indent=True))
    page = report_page(reading, cases, evaluation=evaluation, comparison=comparison, failures=failures, card=card)
    write_page(page, out / PAGE)
