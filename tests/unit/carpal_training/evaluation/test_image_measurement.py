import re
import shlex
from pathlib import Path

import orjson
import pytest

from carpal.cli import run
from carpal_training.evaluation import image_measurement
from carpal_training.evaluation.predictions import read_predictions
from carpal_training.evaluation.reading import Reading

ROOT = Path(__file__).resolve().parents[4]
PAGE = ROOT / "docs/how-to/evaluate-a-model.md"


def words(package: Path, folders: list[Path], table: Path, out: Path, *more: str) -> list[str]:
    images = [word for folder in folders for word in ("--images", str(folder))]
    common = ["--data", str(table), "--out", str(out), "--draws", "100", "--threads", "1"]
    return ["evaluate", "--model", str(package), *images, *common, *more]


def test_a_package_is_measured_on_images_with_a_table(
    tiny_package: Path, image_folders: list[Path], table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    command = words(tiny_package, image_folders, table, out)
    assert run([*command, "--json"]) == 0
    reading = Reading.parse_json((out / "reading.json").read_bytes(), source="reading.json")
    assert orjson.loads(capsys.readouterr().out) == orjson.loads(reading.to_json())
    assert (reading.images, reading.patients, reading.truth, reading.part) == (3, 3, "table", "all")
    assert (reading.model, reading.dataset, reading.classes) == ("tiny:1", "wrists", ("fracture",))
    points = reading.levels["image"]["fracture"].points
    assert {
        name: (point.threshold, point.sensitivity.value, point.specificity.value) for name, point in points.items()
    } == {"high_sensitivity": (0.4, 0.5, 0.0), "high_specificity": (0.8, 0.5, 1.0)}
    assert f"--images {image_folders[0]} --images {image_folders[1]} --data" in reading.command
    assert "--part" not in reading.command
    assert {path.name for path in out.iterdir()} == {"predictions.csv.gz", "reading.json", "report.html"}
    stored = read_predictions(out / "predictions.csv.gz", ("fracture", "text"))
    assert stored.parts == dict.fromkeys("abc", "all")
    assert stored.found["b"].boxes[0] * 64 == pytest.approx([40, 24, 48, 32], abs=1e-3)
    html = (out / "report.html").read_text()
    assert html.count("Visible according to the table") == 3
    assert "Model card" in html
    assert run(command) == 0
    assert capsys.readouterr().out.startswith(
        "1 of 2 images with visible fracture and 1 of 1 images without are reported as possible or confirmed fracture"
    )


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--against", "starter"], "--against"),
        (["--split", "split.csv", "--part", "val"], "--split, --part"),
        (["--focus", "plate"], "class plate is not known"),
        (["--focus", "text"], "have no truth for text"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    more: list[str], message: str, tiny_package: Path, image_folders: list[Path], table: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert run(words(tiny_package, image_folders, table, tmp_path / "out", *more)) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_predictions_cannot_be_combined_with_images(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(table.parent)
    assert run(["evaluate", "--predictions", "p.csv", "--images", folder, "--data", str(table), "--out", folder]) == 2
    assert "--images cannot be combined with --predictions" in capsys.readouterr().err


def test_more_images_than_a_report_shows_are_refused(
    tiny_package: Path, image_folders: list[Path], table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(image_measurement, "MAX_IMAGES", 2)
    assert run(words(tiny_package, image_folders, table, tmp_path / "out")) == 2
    assert "3 images are too many (maximum: 2)" in capsys.readouterr().err


def test_the_command_of_the_page_runs_on_the_real_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if not (ROOT.parent / "shared/data/graz-more/images").is_dir():
        pytest.skip("../shared/data/graz-more is not here: the real images do not travel with the repository")
    match = re.search(r"carpal (evaluate --model starter --images .*?)```", PAGE.read_text(), re.DOTALL)
    assert match is not None
    text = match[1].replace("\\\n", " ").replace("--out evaluation", f"--out {tmp_path} --draws 100 --threads 1")
    monkeypatch.chdir(ROOT)
    assert run([*shlex.split(text), "--json"]) == 0
    reading = orjson.loads(capsys.readouterr().out)
    fracture = reading["levels"]["image"]["fracture"]
    assert (reading["images"], fracture["positives"], fracture["negatives"]) == (16, 11, 5)
    html = (tmp_path / "report.html").read_text()
    assert html.count("Visible according to the table") == 16
    assert len(html) < 3_000_000
