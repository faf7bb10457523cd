"""The formats that ``carpal convert --to`` offers, by name; what one needs is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Literal

from carpal.records.errors import UnknownFormatError
from carpal.records.writers.writer import Collector, Converted, Render

WRITERS = "carpal.records.writers"


@dataclass(frozen=True)
class Format:
    """One form of output.

    Attributes:
        name: as given after ``--to``.
        place: file or folder below the output folder that it fills.
        module: what is imported before the first file, so that a missing extra is said at once.
        render: makes the files of one radiograph, if it has such.
        collect: makes the collector for an output folder, if it has one.
    """

    name: str
    place: str
    module: str
    render: Render | None = None
    collect: Callable[[Path], Collector] | None = None

    def load(self) -> None:
        """Import what it needs.

        Raises:
            ModuleNotFoundError: an extra of carpal is not installed.
        """
        import_module(self.module)

    @property
    def folder(self) -> str:
        """The folder below the output folder that must be there; the output folder itself is ``.``."""
        return self.place.rstrip("/") if self.place.endswith("/") else "."


def choose(words: Sequence[str]) -> tuple[Format, ...]:
    """The formats that were asked for, each once, in the order of the list of all.

    Args:
        words: names, or several of them with commas between.

    Raises:
        UnknownFormatError: a name that is not offered, with the nearest that is; or no name at all.
    """
    names = [name.strip().lower() for word in words for name in word.split(",") if name.strip()]
    for name in names:
        if name not in FORMATS:
            near = get_close_matches(name, FORMATS, n=1, cutoff=0.4)
            raise UnknownFormatError(
                f"--to {name} is no format" + (f"; did you mean {near[0]}?" if near else ""),
                f"There are {', '.join(FORMATS)}.",
                "Name one or several of them, with commas between.",
            )
    if not names:
        raise UnknownFormatError(
            "--to names no format", "Nothing would be written.", f"Name some of {', '.join(FORMATS)}."
        )
    return tuple(format_ for name, format_ in FORMATS.items() if name in names)


def _picture(one: Converted) -> Mapping[str, bytes]:
    from carpal.records.picture import draw

    return {f"pictures/{one.name}.png": draw(one.radiograph, one.record)}


def _report(one: Converted) -> Mapping[str, bytes]:
    from carpal.records.writers.report import structured_report

    return {f"sr/{one.name}.dcm": structured_report(one.record, one.dataset)}


def _capture(one: Converted) -> Mapping[str, bytes]:
    from carpal.records.writers.capture import secondary_capture

    return {f"sc/{one.name}.dcm": secondary_capture(one.record, one.radiograph, one.dataset)}


def _fhir_r4(one: Converted) -> Mapping[str, bytes]:
    return {f"fhir-r4/{one.name}.json": _bundle(one, "r4")}


def _fhir_r5(one: Converted) -> Mapping[str, bytes]:
    return {f"fhir-r5/{one.name}.json": _bundle(one, "r5")}


def _bundle(one: Converted, release: Literal["r4", "r5"]) -> bytes:
    from carpal.records.writers.fhir import transaction_bundle
    from carpal.records.writers.fhir_time import acquired

    return transaction_bundle(one.record, release, acquired(one.dataset))


def _yolo(one: Converted) -> Mapping[str, bytes]:
    from carpal.records.writers.yolo import yolo_label

    return {f"yolo/labels/{one.name}.txt": yolo_label(one.record)}


def _voc(one: Converted) -> Mapping[str, bytes]:
    from carpal.records.writers.voc import voc_annotation

    return {f"voc/{one.name}.xml": voc_annotation(one.record, one.path)}


def _lines(out: Path) -> Collector:
    from carpal.records.writers.lines import RecordLines

    return RecordLines(out)


def _yolo_names(out: Path) -> Collector:
    from carpal.records.writers.yolo import YoloNames

    return YoloNames(out)


def _coco(out: Path) -> Collector:
    from carpal.records.writers.coco import Coco

    return Coco(out)


def _label_studio(out: Path) -> Collector:
    from carpal.records.writers.label_studio import LabelStudioTasks

    return LabelStudioTasks(out)


def _parquet(out: Path) -> Collector:
    from carpal.records.writers.parquet import ParquetTable

    return ParquetTable(out)


def _csv(out: Path) -> Collector:
    from carpal.records.writers.csv_table import CsvTable

    return CsvTable(out)


FORMATS: Mapping[str, Format] = {
    one.name: one
    for one in (
        Format("jsonl", "records.jsonl", f"{WRITERS}.lines", collect=_lines),
        Format("png", "pictures/", "carpal.records.picture", render=_picture),
        Format("sr", "sr/", f"{WRITERS}.report", render=_report),
        Format("sc", "sc/", f"{WRITERS}.capture", render=_capture),
        Format("fhir-r4", "fhir-r4/", f"{WRITERS}.fhir", render=_fhir_r4),
        Format("fhir-r5", "fhir-r5/", f"{WRITERS}.fhir", render=_fhir_r5),
        Format("coco", "coco/", f"{WRITERS}.coco", collect=_coco),
        Format("yolo", "yolo/labels/", f"{WRITERS}.yolo", render=_yolo, collect=_yolo_names),
        Format("voc", "voc/", f"{WRITERS}.voc", render=_voc),
        Format("label-studio", "label-studio/", f"{WRITERS}.label_studio", collect=_label_studio),
        Format("parquet", "records.parquet", f"{WRITERS}.parquet", collect=_parquet),
        Format("csv", "records.csv", f"{WRITERS}.csv_table", collect=_csv),
    )
}
PLACES = frozenset(one.place.partition("/")[0] for one in FORMATS.values() if one.folder != ".")
"""Names of all folders that a run can make in the output folder."""
