"""``carpal convert``: radiographs in, records out, in any set of formats."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from carpal.terminal import Terminal

if TYPE_CHECKING:
    from carpal.detection.options import DetectOptions
    from carpal.records.outputs import Outputs
    from carpal.records.recorders import Recorder
    from carpal.records.writers.formats import Format

OFFERED = "jsonl, png, sr, sc, fhir-r4, fhir-r5, coco, yolo, voc, label-studio, parquet, csv"
"""Said in the help without importing what writes them; a test compares it with the formats that there are."""


class Point(StrEnum):
    """From which operating point on findings are reported."""

    HIGH_SENSITIVITY = "high-sensitivity"
    HIGH_SPECIFICITY = "high-specificity"


def register(app: typer.Typer) -> None:
    """Add ``convert``."""
    app.command("convert")(convert)


def convert(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files, or folders to walk through.")],
    model: Annotated[str, typer.Option(help="starter, a folder, name, name@channel or name:version.")] = "starter",
    out: Annotated[Path, typer.Option(help="Folder for what is written, and for errors.jsonl.")] = Path("out"),
    to: Annotated[str, typer.Option(metavar="FORMATS", help=f"With commas between: {OFFERED}.")] = "jsonl,png",
    no_pictures: Annotated[bool, typer.Option("--no-pictures", help="The same as leaving png out of --to.")] = False,
    repository: Annotated[str | None, typer.Option(help="Folder or s3://bucket/prefix with the models.")] = None,
    endpoint: Annotated[str | None, typer.Option(help="Let the service at this address find.")] = None,
    engine: Annotated[
        str, typer.Option(help="onnxruntime, onnxruntime:cuda, openvino, or emulated:<ms>.")
    ] = "onnxruntime",
    precision: Annotated[str | None, typer.Option(help="A variant of the package; float32 by default.")] = None,
    threshold: Annotated[float | None, typer.Option(min=0, max=1, help="Report from this probability on.")] = None,
    point: Annotated[
        Point, typer.Option("--operating-point", help="Report from this point of each class on.")
    ] = Point.HIGH_SENSITIVITY,
    workers: Annotated[int | None, typer.Option(min=1, help="Files at once; one a core by default.")] = None,
    isolate: Annotated[bool, typer.Option(help="Decode in worker processes, which a broken file may end.")] = True,
    json: Annotated[bool, typer.Option("--json", help="Print the records as JSON lines on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No talk and no bar.")] = False,
) -> None:
    """Turn radiographs into structured records, in one or several formats at once.

    A file that cannot be read, or a format that cannot be written of it, is named in errors.jsonl and the others go
    on. Running it again into the same folder replaces files of the same names. Exit code: 0 when all is written, 1
    when something is missing, 2 when nothing could start.
    """
    # What computes is imported here and not above, so that `carpal --help` stays quick.
    import cv2

    from carpal.detection.options import DetectOptions
    from carpal.machine import usable_cores
    from carpal.records.convert import find_images
    from carpal.records.writers.formats import PLACES

    cv2.setNumThreads(1)  # each worker is a thread already; OpenCV's own pool would fight them for the cores
    terminal = Terminal(json=json, quiet=quiet)
    formats = _formats(to, no_pictures)
    images = find_images(paths, out=out, places=PLACES)
    workers = workers or usable_cores()
    options = DetectOptions(threshold=threshold, operating_point=point.value)
    if endpoint:
        opening = _remote(endpoint, model, options)
    else:
        opening = _local(model, repository, engine, precision, options, workers, isolate)
    with opening as recorder:
        where = f" at {endpoint}" if endpoint else ""
        terminal.say(f"converting {len(images)} files with {model}{where}, {workers} at once")
        whole = _write(images, recorder, out, terminal, workers, formats)
    if not whole:
        raise typer.Exit(1)


def _formats(to: str, no_pictures: bool) -> tuple[Format, ...]:
    """What to write, each with what it needs imported."""
    from carpal.records.writers.formats import choose

    chosen = choose([to])
    if no_pictures:
        chosen = choose([one.name for one in chosen if one.name != "png"])
    for one in chosen:
        one.load()
    return chosen


def _write(
    images: Sequence[Path],
    recorder: Recorder,
    out: Path,
    terminal: Terminal,
    workers: int,
    formats: tuple[Format, ...],
) -> bool:
    """Convert all files into the folder; says whether nothing is missing."""
    from carpal.records.convert import records_of
    from carpal.records.outputs import Outputs

    outputs = Outputs(out, formats)
    with outputs, terminal.progress("converting", len(images)) as advance:
        for outcome in records_of(images, recorder, workers=workers, keep=outputs.keep):
            outputs.add(outcome)
            if outcome.record is not None:
                terminal.line(outcome.record)
            advance()
    terminal.done(_summary(outputs, out, formats))
    return not outputs.unread and not outputs.unwritten


def _summary(outputs: Outputs, out: Path, formats: tuple[Format, ...]) -> str:
    """How many records, where, and what is missing."""
    places = {one.name: out / one.place for one in formats}
    said = [f"{outputs.recorded} records" + (f" in {places.pop('jsonl')}" if "jsonl" in places else "")]
    missing = [f"{outputs.unread} files failed"] if outputs.unread else []
    missing += [f"{outputs.unwritten} outputs failed"] if outputs.unwritten else []
    said += [f"{' and '.join(missing)}, see {out / 'errors.jsonl'}"] if missing else []
    said += [f"{'pictures' if name == 'png' else name} in {place}" for name, place in places.items()]
    return "; ".join(said)


@contextmanager
def _local(
    model: str,
    repository: str | None,
    engine: str,
    precision: str | None,
    options: DetectOptions,
    workers: int,
    isolate: bool,
) -> Iterator[Recorder]:
    """Detects here, and reads here too unless that is to be done in processes of their own."""
    from carpal.detection.detector import open_detector
    from carpal.imaging.isolation import IsolatedReader
    from carpal.imaging.limits import patient_salt
    from carpal.imaging.readers import DirectReader
    from carpal.packages.reference import resolve
    from carpal.records.recorders import LocalRecorder

    salt = patient_salt(os.environ)
    reader = IsolatedReader(workers=workers, patient_salt=salt) if isolate else DirectReader(patient_salt=salt)
    # One thread inside a call: every worker is a stream of its own, which keeps all cores busy without waiting.
    package = resolve(model, repository)
    opened = open_detector(package, engine, precision=precision, threads=1, streams=workers)
    with closing(reader), opened as detector:
        yield LocalRecorder(detector, options, reader)


@contextmanager
def _remote(endpoint: str, model: str, options: DetectOptions) -> Iterator[Recorder]:
    from carpal.detection.options import DetectOptions as Options
    from carpal.errors import UsageError
    from carpal.records.remote import RemoteRecorder

    if options != Options():
        raise UsageError(
            "--threshold and --operating-point do not go with --endpoint",
            "The service decides which findings it reports.",
            "Leave them out, or leave out --endpoint.",
        )
    name = model.partition("@")[0].partition(":")[0]
    with RemoteRecorder(endpoint, name) as recorder:
        yield recorder
