"""``carpal convert``: radiographs in, records, errors and annotated pictures out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from carpal.terminal import Terminal

if TYPE_CHECKING:
    from carpal.detection.options import DetectOptions
    from carpal.imaging.radiograph import Radiograph
    from carpal.records.record import Record
    from carpal.records.recorders import Recorder


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
    out: Annotated[Path, typer.Option(help="Folder for records.jsonl, errors.jsonl and pictures/.")] = Path("out"),
    repository: Annotated[str | None, typer.Option(help="Folder or s3://bucket/prefix with the models.")] = None,
    endpoint: Annotated[str | None, typer.Option(help="Let the service at this address find.")] = None,
    engine: Annotated[str, typer.Option(help="onnxruntime, or emulated:<ms> to sleep instead.")] = "onnxruntime",
    threshold: Annotated[float | None, typer.Option(min=0, max=1, help="Report from this probability on.")] = None,
    point: Annotated[
        Point, typer.Option("--operating-point", help="Report from this point of each class on.")
    ] = Point.HIGH_SENSITIVITY,
    pictures: Annotated[bool, typer.Option(help="Draw each radiograph with its findings.")] = True,
    workers: Annotated[int | None, typer.Option(min=1, help="Files at once; one a core by default.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the records as JSON lines on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No talk and no bar.")] = False,
) -> None:
    """Turn radiographs (PNG, JPEG, uncompressed DICOM) into structured records.

    A file that cannot be read is named in errors.jsonl and the others go on. Running it again into the same folder
    replaces records.jsonl, errors.jsonl and the pictures of the same names. Exit code: 0 when every file has its
    record, 1 when some have not, 2 when nothing could start.
    """
    # What computes is imported here and not above, so that `carpal --help` stays quick.
    import cv2

    from carpal.detection.options import DetectOptions
    from carpal.records.convert import find_images

    cv2.setNumThreads(1)  # each worker is a thread already; OpenCV's own pool would fight them for the cores
    terminal = Terminal(json=json, quiet=quiet)
    images = find_images(paths, skip=out)
    workers = workers or _cores()
    options = DetectOptions(threshold=threshold, operating_point=point.value)
    opening = _remote(endpoint, model, options) if endpoint else _local(model, repository, engine, options)
    with opening as recorder:
        where = f" at {endpoint}" if endpoint else ""
        terminal.say(f"converting {len(images)} files with {model}{where}, {workers} at once")
        failed = _write(images, recorder, out, terminal, workers, pictures)
    if failed:
        raise typer.Exit(1)


def _write(images: list[Path], recorder: Recorder, out: Path, terminal: Terminal, workers: int, pictures: bool) -> int:
    """Convert all files into the folder; returns how many failed."""
    from carpal.records.convert import records_of
    from carpal.records.jsonl import JsonLines, make_folder, write_whole
    from carpal.records.picture import draw

    make_folder(out / "pictures" if pictures else out)

    def keep(name: str, radiograph: Radiograph, record: Record) -> None:
        if pictures:
            write_whole(out / "pictures" / f"{name}.png", draw(radiograph, record))

    records, errors = JsonLines(out / "records.jsonl"), JsonLines(out / "errors.jsonl")
    with records, errors, terminal.progress("converting", len(images)) as advance:
        for outcome in records_of(images, recorder, workers=workers, keep=keep):
            if outcome.record is not None:
                records.write(outcome.record)
                terminal.line(outcome.record)
            if outcome.error is not None:
                errors.write({"path": str(outcome.path), **outcome.error.as_dict()})
            advance()
    said = f"{records.count} records in {records.path}"
    if errors.count:
        said += f"; {errors.count} files failed, see {errors.path}"
    terminal.done(f"{said}; " + (f"pictures in {out / 'pictures'}" if pictures else "next: carpal serve"))
    return errors.count


@contextmanager
def _local(model: str, repository: str | None, engine: str, options: DetectOptions) -> Iterator[Recorder]:
    from carpal.detection.detector import open_model
    from carpal.imaging.limits import patient_salt
    from carpal.records.recorders import LocalRecorder

    salt = patient_salt(os.environ)
    # One thread inside a call: every worker is a stream of its own, which keeps all cores busy without waiting.
    with open_model(model, repository=repository, engine=engine, threads=1) as detector:
        yield LocalRecorder(detector, options, salt)


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


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
