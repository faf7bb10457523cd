"""``carpal convert`` as its user meets it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from carpal.cli import GROUP, run
from carpal.detection.detector import Detector
from carpal.records.jsonl import read_lines
from carpal.records.record import Record
from carpal.records.writers.formats import FORMATS

Streams = pytest.CaptureFixture[str]
GROUPS = [EntryPoint("convert", "carpal.records.cli:register", GROUP)]


@pytest.fixture
def images(tmp_path: Path, grey_png: Callable[..., bytes]) -> Path:
    """A folder of three images."""
    folder = tmp_path / "images"
    folder.mkdir()
    for index in range(3):
        (folder / f"{index}.png").write_bytes(grey_png(seed=index))
    return folder


def convert(*words: object) -> int:
    return run(["convert", *(str(word) for word in words)], GROUPS)


def test_a_folder_becomes_records_and_pictures(images: Path, tiny_package: Path, tmp_path: Path, capsys: Streams):
    out = tmp_path / "out"
    assert convert(images, "--model", tiny_package, "--out", out) == 0
    records = [Record.parse(data, source=out) for data in read_lines(out / "records.jsonl")]
    assert [record.source.name for record in records] == ["0", "1", "2"]
    assert (out / "errors.jsonl").read_bytes() == b""
    assert sorted(path.name for path in (out / "pictures").iterdir()) == ["0.png", "1.png", "2.png"]
    assert cv2.imread(str(out / "pictures" / "0.png")) is not None
    shown = capsys.readouterr()
    assert shown.out == f"3 records in {out / 'records.jsonl'}; pictures in {out / 'pictures'}\n"
    assert "converting 3 files" in shown.err


def test_a_bad_file_is_named_and_the_others_go_on(images: Path, tiny_package: Path, tmp_path: Path, capsys: Streams):
    (images / "1.png").write_bytes(b"nonsense")
    out = tmp_path / "out"
    assert convert(images, "--model", tiny_package, "--out", out) == 1
    assert len(list(read_lines(out / "records.jsonl"))) == 2
    (error,) = read_lines(out / "errors.jsonl")
    assert (error["path"], error["code"]) == (str(images / "1.png"), "image.not-an-image")
    assert set(error) == {"path", "code", "message", "reason", "remedy"}
    assert "1 files failed" in capsys.readouterr().out


def test_with_json_the_records_are_lines_on_stdout(images: Path, tiny_package: Path, tmp_path: Path, capsys: Streams):
    assert convert(images, "--model", tiny_package, "--out", tmp_path / "out", "--json") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines == (tmp_path / "out" / "records.jsonl").read_text().splitlines()


def test_a_second_run_replaces_the_first(images: Path, tiny_package: Path, tmp_path: Path):
    out = tmp_path / "out"
    convert(images, "--model", tiny_package, "--out", out, "--no-pictures")
    convert(images / "0.png", "--model", tiny_package, "--out", out)
    assert len(list(read_lines(out / "records.jsonl"))) == 1


def test_the_folder_of_results_is_not_converted_again(images: Path, tiny_package: Path):
    for _ in range(2):
        assert convert(images, "--model", tiny_package, "--out", images / "out") == 0
    assert len(list(read_lines(images / "out" / "records.jsonl"))) == 3


def test_without_pictures_there_are_none(images: Path, tiny_package: Path, tmp_path: Path):
    convert(images, "--model", tiny_package, "--out", tmp_path / "out", "--no-pictures")
    assert not (tmp_path / "out" / "pictures").exists()


def test_any_set_of_formats_is_written_in_one_pass(images: Path, tiny_package: Path, tmp_path: Path, capsys: Streams):
    out = tmp_path / "out"
    every = ",".join(FORMATS)
    assert convert(images, "--model", tiny_package, "--out", out, "--to", every) == 0
    assert (out / "errors.jsonl").read_bytes() == b""
    for one in FORMATS.values():
        place = out / one.place
        assert place.is_file() or any(place.iterdir()), one.name
    shown = capsys.readouterr().out
    assert all(str(out / one.place) in shown for one in FORMATS.values())


def test_only_what_was_asked_for_is_written(images: Path, tiny_package: Path, tmp_path: Path, capsys: Streams):
    out = tmp_path / "out"
    assert convert(images, "--model", tiny_package, "--out", out, "--to", "yolo,csv") == 0
    assert sorted(path.name for path in out.iterdir()) == ["errors.jsonl", "records.csv", "yolo"]
    shown = capsys.readouterr().out
    assert shown == f"3 records; yolo in {out / 'yolo/labels'}; csv in {out / 'records.csv'}\n"


def test_an_unknown_format_ends_with_2_and_offers_the_nearest(
    images: Path, tiny_package: Path, tmp_path: Path, capsys: Streams
):
    assert convert(images, "--model", tiny_package, "--out", tmp_path / "out", "--to", "jsonl,parket") == 2
    assert "did you mean parquet? [usage.unknown-format]" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_format_that_fails_is_named_and_the_exit_code_is_1(
    images: Path, tiny_package: Path, tmp_path: Path, capsys: Streams
):
    folder = tmp_path / "folder_structure/yolov5"
    (folder / "labels").mkdir(parents=True)
    (folder / "meta.yaml").write_text("names: ['fracture', 'text']")
    (folder / "labels/1.txt").write_text("nonsense")
    out = tmp_path / "out"
    assert convert(images, "--model", tiny_package, "--out", out, "--to", "jsonl,coco") == 1
    assert len(list(read_lines(out / "records.jsonl"))) == 3
    (error,) = read_lines(out / "errors.jsonl")
    assert (error["writer"], error["code"]) == ("coco", "dataset.label-unreadable")
    assert f"1 outputs failed, see {out / 'errors.jsonl'}" in capsys.readouterr().out


def test_a_missing_extra_is_said_before_anything_starts(
    images: Path, tiny_package: Path, tmp_path: Path, capsys: Streams, monkeypatch: pytest.MonkeyPatch
):
    for name in ("pyarrow", "carpal.records.writers.parquet"):
        monkeypatch.setitem(sys.modules, name, None)
    assert convert(images, "--model", tiny_package, "--out", tmp_path / "out", "--to", "parquet") == 2
    assert "[usage.missing-dependency]" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_no_pictures_is_the_same_as_leaving_png_out(images: Path, tiny_package: Path, tmp_path: Path):
    assert convert(images, "--model", tiny_package, "--out", tmp_path / "out", "--to", "png", "--no-pictures") == 2


def test_options_choose_what_is_reported(images: Path, tiny_package: Path, tmp_path: Path):
    pixels = np.full((64, 64), 76, np.uint8)  # 0.3 bright: 0.35 for the dark class, below both points
    pixels[:8], pixels[8:16, :8], pixels[60, 60] = 128, 255, 1
    cv2.imwrite(str(images / "0.png"), pixels)

    def findings(*options: str) -> int:
        convert(images / "0.png", "--model", tiny_package, "--out", tmp_path / "out", *options)
        return sum(len(record["findings"]) for record in read_lines(tmp_path / "out" / "records.jsonl"))

    assert findings("--threshold", "0") > findings() > findings("--operating-point", "high-specificity") > 0


def test_an_emulated_engine_is_said_in_the_record(images: Path, tiny_package: Path, tmp_path: Path):
    convert(images, "--model", tiny_package, "--out", tmp_path / "out", "--engine", "emulated:1", "--workers", "3")
    assert all(record["model"]["emulated"] for record in read_lines(tmp_path / "out" / "records.jsonl"))


@pytest.mark.parametrize(
    "words",
    [
        ["nowhere"],
        [],
        [".", "--threshold", "2"],
        [".", "--model", "nowhere/at-all"],
        [".", "--workers", "0"],
        [".", "--engine", "abacus"],
    ],
)
def test_what_cannot_start_ends_with_2_and_writes_nothing(
    words: list[str], images: Path, tiny_package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(images)
    model = [] if "--model" in words else ["--model", tiny_package]
    assert convert(*words, *model, "--out", tmp_path / "out") == 2
    assert not (tmp_path / "out").exists()


def test_a_patient_salt_that_is_too_short_is_refused(
    images: Path, tiny_package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Streams
):
    monkeypatch.setenv("CARPAL_PATIENT_SALT", "short")
    assert convert(images, "--model", tiny_package, "--out", tmp_path / "out") == 2
    assert "CARPAL_PATIENT_SALT" in capsys.readouterr().err


def test_options_that_the_service_decides_do_not_go_with_an_endpoint(images: Path, tmp_path: Path, capsys: Streams):
    words = ["--endpoint", "http://127.0.0.1:1", "--out", tmp_path / "out"]
    assert convert(images, *words, "--threshold", "0.5") == 2
    assert "--endpoint" in capsys.readouterr().err


def test_an_endpoint_that_is_not_there_ends_the_run(images: Path, tmp_path: Path, capsys: Streams):
    assert convert(images, "--endpoint", "http://127.0.0.1:1", "--out", tmp_path / "out") == 2
    assert "[service.unreachable]" in capsys.readouterr().err


def test_an_endpoint_gets_the_name_of_the_model(
    images: Path, tiny_package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    asked: list[str] = []

    def post(client: httpx.Client, url: str, **request: object) -> httpx.Response:
        asked.append(url)
        raise httpx.ConnectError("no service in this test")

    monkeypatch.setattr(httpx.Client, "post", post)
    convert(images, "--endpoint", "http://x", "--model", "starter@candidate", "--out", tmp_path / "out", "--workers", 1)
    assert asked[0] == "http://x/v2/models/starter/infer"


def test_all_formats_are_written_of_what_a_service_finds(
    images: Path, detector: Detector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def post(client: httpx.Client, url: str, *, content: bytes, headers: dict[str, str]) -> httpx.Response:
        record = detector.detect(content, name=headers["X-Carpal-Name"])
        return httpx.Response(200, content=record.to_json(), request=httpx.Request("POST", url))

    monkeypatch.setattr(httpx.Client, "post", post)
    out = tmp_path / "out"
    assert convert(images, "--endpoint", "http://x", "--out", out, "--to", ",".join(FORMATS)) == 0
    assert (out / "errors.jsonl").read_bytes() == b""
    assert sorted(path.name for path in (out / "sr").iterdir()) == ["0.dcm", "1.dcm", "2.dcm"]
    assert all((out / one.place).exists() for one in FORMATS.values())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_keeps_what_is_done(images: Path, tiny_package: Path, tmp_path: Path, number: signal.Signals):
    out, many = tmp_path / "out", tmp_path / "many"
    many.mkdir()
    for index in range(60):  # 24 s of work, so that a busy machine does not end it before the signal comes
        (many / f"{index}.png").hardlink_to(images / "0.png")
    words = [
        "convert",
        many,
        "--model",
        tiny_package,
        "--out",
        out,
        "--engine",
        "emulated:400",
        "--workers",
        "1",
        "--json",
        "--to",
        "jsonl,csv,yolo",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "carpal.cli", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    first = process.stdout.readline()
    os.killpg(process.pid, number)  # as a terminal and `timeout` do it: the processes that read get it too
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in said
    kept = list(read_lines(out / "records.jsonl"))
    assert 1 <= len(kept) < 30
    assert kept[0] == json.loads(first)
    assert (out / "errors.jsonl").read_text() == ""
    assert len((out / "records.csv").read_text().splitlines()) >= 1
    assert [path for path in out.rglob("*") if path.name.startswith(".")] == []


def test_a_name_that_is_too_long_for_an_output_costs_that_output_only(
    images: Path, tiny_package: Path, tmp_path: Path, grey_png: Callable[..., bytes]
):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for name in ("a.png", "z.png", f"{'m' * 244}.png", f"{'n' * 255}"):
        (folder / name).write_bytes(grey_png())
    code = convert(folder, "--model", tiny_package, "--engine", "emulated:0", "--out", out, "--to", "jsonl,png")
    assert code == 1
    assert len(list(read_lines(out / "records.jsonl"))) == 4
    assert sorted(len(path.stem) for path in (out / "pictures").iterdir()) == [1, 1, 244]
    (error,) = read_lines(out / "errors.jsonl")
    assert (error["code"], error["writer"]) == ("usage.name-too-long", "png")


def test_a_second_run_into_the_folder_of_the_images_finds_the_same_images(images: Path, tiny_package: Path):
    for _ in range(2):
        assert convert(images, "--model", tiny_package, "--out", images, "--to", ",".join(FORMATS)) == 0
        found = [line["source"]["name"] for line in read_lines(images / "records.jsonl")]
        assert found == ["0", "1", "2"]


def test_images_in_the_folder_of_the_pictures_are_never_replaced(images: Path, tiny_package: Path, capsys: Streams):
    folder = images.rename(images.with_name("pictures"))
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert convert(folder, "--model", tiny_package, "--out", folder.parent) == 2
    assert "[usage.output-in-input]" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_the_five_real_radiographs_give_five_records(
    graz_images: list[Path], tiny_package: Path, tmp_path: Path, capsys: Streams
):
    assert convert(graz_images[0].parent, "--model", tiny_package, "--out", tmp_path / "out", "--json") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["source"]["name"] for line in lines] == [path.stem for path in graz_images]
    pictures = [cv2.imread(str(tmp_path / "out" / "pictures" / f"{path.stem}.png")) for path in graz_images]
    assert all(picture is not None and np.ptp(picture) > 200 for picture in pictures)
