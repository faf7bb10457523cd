"""What one run writes: a failing writer is named and costs nobody else anything; memory does not grow."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path

import pytest

from carpal.detection.detector import Detector
from carpal.errors import CarpalError
from carpal.imaging.radiograph import Radiograph
from carpal.imaging.readers import read
from carpal.records.convert import Failure, Files, Outcome, records_of
from carpal.records.errors import OutputNotWritableError
from carpal.records.jsonl import read_lines
from carpal.records.outputs import Outputs
from carpal.records.record import Record
from carpal.records.recorders import LocalRecorder
from carpal.records.writers.formats import FORMATS, Format
from carpal.records.writers.writer import Collector, Converted, Entry


class Sulking:
    """Fails where it is told to, and remembers what it got."""

    def __init__(self, at: str, error: Exception) -> None:
        self.at, self.error = at, error
        self.added: list[str] = []

    def _perhaps(self, place: str) -> None:
        if place == self.at:
            raise self.error

    def open(self) -> None:
        self._perhaps("open")

    def add(self, entry: Entry) -> None:
        self._perhaps(entry.name)
        self.added.append(entry.name)

    def close(self) -> None:
        self._perhaps("close")


def sulking(at: str, error: Exception) -> Format:
    def render(one: Converted) -> dict[str, bytes]:
        if at == f"render {one.name}":
            raise error
        return {f"sulking/{one.name}.txt": one.name.encode()}

    def collect(out: Path) -> Collector:
        return Sulking(at, error)

    return Format("sulking", "sulking/", "carpal", render=render, collect=collect)


@pytest.fixture
def wrist(grey_png: Callable[..., bytes]) -> Radiograph:
    return read(grey_png(64, 64), name="wrist")


def write(out: Path, formats: list[Format], radiograph: Radiograph, detector: Detector, names: str = "abc") -> Outputs:
    """Converts one radiograph under several names."""
    record = detector.detect(radiograph)
    outputs = Outputs(out, formats)
    with outputs:
        for name in names:
            path = Path(f"{name}.png")
            outputs.add(Outcome(path, name, record, failures=outputs.keep(path, name, radiograph, record)))
    return outputs


def errors(out: Path) -> list[tuple[str, str | None, str]]:
    return [(line["path"], line.get("writer"), line["code"]) for line in read_lines(out / "errors.jsonl")]


@pytest.mark.parametrize("at", ["b", "render b"])
@pytest.mark.parametrize("error", [CarpalError("no"), ValueError("boom")])
def test_a_writer_that_fails_on_one_file_is_named_and_all_else_is_written(
    tmp_path: Path, wrist: Radiograph, detector: Detector, at: str, error: Exception
):
    outputs = write(tmp_path, [FORMATS["jsonl"], sulking(at, error), FORMATS["csv"]], wrist, detector)
    assert set(errors(tmp_path)) == {("b.png", "sulking", "internal.unexpected")}
    assert (outputs.recorded, outputs.unread) == (3, 0)
    assert outputs.unwritten >= 1
    assert len(list(read_lines(tmp_path / "records.jsonl"))) == 3
    assert (tmp_path / "records.csv").stat().st_size > 0
    assert {path.stem for path in (tmp_path / "sulking").iterdir()} >= {"a", "c"}


def test_a_writer_that_cannot_end_is_named_and_the_others_are_published(
    tmp_path: Path, wrist: Radiograph, detector: Detector
):
    outputs = write(tmp_path, [sulking("close", ValueError("boom")), FORMATS["jsonl"]], wrist, detector)
    assert errors(tmp_path) == [(str(tmp_path), "sulking", "internal.unexpected")]
    assert outputs.unwritten == 1
    assert len(list(read_lines(tmp_path / "records.jsonl"))) == 3


@pytest.mark.parametrize("at", ["b", "render b", "close", "open"])
def test_a_full_disk_ends_the_run_and_keeps_what_is_whole(
    tmp_path: Path, wrist: Radiograph, detector: Detector, at: str
):
    full = sulking(at, OutputNotWritableError("full"))
    with pytest.raises(OutputNotWritableError):
        write(tmp_path, [FORMATS["jsonl"], full], wrist, detector)
    kept = {"b": 2, "render b": 1, "close": 3, "open": 0}[at]
    assert len(list(read_lines(tmp_path / "records.jsonl"))) == kept
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_an_interrupted_run_keeps_what_is_whole_in_every_format(tmp_path: Path, wrist: Radiograph, detector: Detector):
    record = detector.detect(wrist)
    formats = [one for one in FORMATS.values() if one.collect]

    def run() -> None:
        with Outputs(tmp_path, formats) as outputs:
            outputs.add(Outcome(Path("a.png"), "a", record))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    assert Record.parse(next(read_lines(tmp_path / "records.jsonl")), source="test") == record
    made = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert made == {
        "records.jsonl", "records.csv", "records.parquet", "coco/results.json", "coco/images.json", "yolo/meta.yaml",
        "label-studio/tasks.json", "label-studio/config.xml", "errors.jsonl",
    }  # fmt: skip


def test_a_file_without_record_is_an_error_line_also_where_its_name_is_no_text(tmp_path: Path):
    with Outputs(tmp_path, [FORMATS["jsonl"]]) as outputs:
        outputs.add(Outcome(Path("odd\udcff.png"), "odd", error=CarpalError("no")))
    assert errors(tmp_path) == [("odd?.png", None, "internal.unexpected")]
    assert (outputs.recorded, outputs.unread, outputs.unwritten) == (0, 1, 0)


class Repeating:
    """Gives new copies of one radiograph and its record, so that those that are kept can be counted."""

    def __init__(self, radiograph: Radiograph, record: Record) -> None:
        self._radiograph, self._record = radiograph, record

    def record(self, path: Path) -> tuple[Radiograph, Record]:
        return Radiograph(self._radiograph.pixels.copy(), self._radiograph.source), self._record.model_copy()


def alive(kind: type) -> int:
    gc.collect()
    return sum(isinstance(thing, kind) for thing in gc.get_objects())


def test_two_thousand_files_leave_no_more_in_memory_than_two_hundred(
    tmp_path: Path, grey_png: Callable[..., bytes], detector: Detector
):
    radiograph = read(grey_png(64, 64))
    few = detector.detect(radiograph)
    recorder = Repeating(radiograph, few.model_copy(update={"findings": few.findings[:2]}))
    formats = [one for one in FORMATS.values() if one.collect]
    counts: dict[int, tuple[int, int]] = {}
    with Outputs(tmp_path, formats) as outputs:
        files = Files([f"{index}.png" for index in range(2000)])
        for number, outcome in enumerate(records_of(files, recorder, workers=2), start=1):
            outputs.add(outcome)
            if number in (200, 1900):
                counts[number] = alive(Record), alive(Radiograph)
    before, after = counts[200], counts[1900]
    assert after[0] - before[0] <= 4
    assert after[1] - before[1] <= 4
    assert outputs.recorded == 2000


def test_what_a_worker_could_not_write_comes_in_the_order_of_the_files(
    tmp_path: Path, grey_png: Callable[..., bytes], detector: Detector
):
    for name in "abcd":
        (tmp_path / f"{name}.png").write_bytes(grey_png(64, 64))
    files = Files([str(tmp_path / f"{name}.png") for name in "abcd"])
    out = tmp_path / "out"
    with Outputs(out, [sulking("render c", ValueError("boom"))]) as outputs:
        for outcome in records_of(files, LocalRecorder(detector), workers=3, keep=outputs.keep):
            assert all(isinstance(failure, Failure) for failure in outcome.failures)
            outputs.add(outcome)
    assert [path for path, *_ in errors(out)] == [str(tmp_path / "c.png")]
    assert sorted(path.name for path in (out / "sulking").iterdir()) == ["a.txt", "b.txt", "d.txt"]
