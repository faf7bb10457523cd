"""``carpal evaluate --images``: a package on images whose truth is known per image, from a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from carpal.detection.detector import open_detector
from carpal.errors import UsageError
from carpal.packages.card import model_card
from carpal.packages.package import Package
from carpal.reports.blocks import Source
from carpal.reports.page import write_page
from carpal.terminal import Terminal
from carpal_training.evaluation.cases import cases_from_table
from carpal_training.evaluation.image_report import PointCounts, count_images, image_lead
from carpal_training.evaluation.image_results import run_images
from carpal_training.evaluation.measurement import PAGE, PREDICTIONS, READING, Options
from carpal_training.evaluation.predictions import write_predictions
from carpal_training.evaluation.reading import Plan, Reading, read_cases
from carpal_training.evaluation.report import report_page
from carpal_training.evaluation.table_images import open_table_images
from carpal_training.run import write_whole

PART = "all"
MAX_IMAGES = 100
"""The report shows each image, and has at most 3 MB."""


def measure_images(
    package: Package, folders: Sequence[Path], table: Path, out: Path, options: Options, terminal: Terminal
) -> tuple[Reading, list[PointCounts]]:
    """Run a package on images through the path that serves, and write reading.json, predictions and the report.

    The operating points are those of the package's manifest. Nothing is chosen on these images.

    Args:
        package: the package.
        folders: searched for images.
        table: dataset.csv or dataset.csv.gz with the truth of each image.
        out: output folder.
        options: ``focus`` (default: fracture), ``given``, ``draws``, ``seed``, ``threads`` and ``command`` are used.
        terminal: shows the progress.

    Raises:
        UsageError: the package does not have the focus class, or there are too many images.
        DatasetError: an image has no truth or cannot be read, or no image was found (see ``open_table_images``).
        EngineError: the network does not run.
    """
    manifest, focus = package.manifest, options.focus or "fracture"
    if focus not in manifest.classes:
        raise UsageError(
            f"class {focus} is not known", f"Classes of the package: {', '.join(manifest.classes)}.", "Correct --focus."
        )
    images = open_table_images(folders, table, focus)
    if len(images) > MAX_IMAGES:
        raise UsageError(
            f"{len(images)} images are too many (maximum: {MAX_IMAGES})",
            "The report shows each image.",
            "Evaluate fewer images, or import them as a dataset and evaluate with --data alone.",
        )
    name = f"{manifest.name}:{manifest.version}"
    with (
        open_detector(package, threads=1) as detector,
        terminal.progress(f"{name}: {len(images)} images", len(images)) as advance,
    ):
        results = run_images(detector, images, focus, threads=options.threads, advance=advance)
    found = [result.detections for result in results]
    cases = cases_from_table(found, [image.exam for image in images], manifest.classes)
    reading = read_cases(
        cases,
        Plan(manifest.operating_points, options.given, focus, options.draws, options.seed),
        model=name,
        dataset=table.resolve().parent.name,
        part=PART,
        truth="table",
        command=options.command,
    )
    out.mkdir(parents=True, exist_ok=True)
    stems, sizes = [image.stem for image in images], [result.size for result in results]
    write_predictions(out / PREDICTIONS, stems, found, sizes, PART)
    write_whole(out / READING, reading.to_json(indent=True))
    lead = image_lead(results, reading, manifest.operating_points[focus], Source(PREDICTIONS))
    write_page(report_page(reading, cases, lead=lead, card=model_card(manifest, package.digest)), out / PAGE)
    return reading, count_images(results, reading)
