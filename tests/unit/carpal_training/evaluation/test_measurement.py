"""One small evaluation of everything, as a person asks for it."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from carpal.cli import run
from carpal_training.evaluation.comparison import Comparison
from carpal_training.evaluation.evaluate import Evaluation
from carpal_training.evaluation.reading import Reading

ROOT = Path(__file__).resolve().parents[4]
PAGE = ROOT / "docs/how-to/evaluate-a-model.md"
HEAD = "filestem,split,class_id,x_center,y_center,width,height,confidence\n"


@pytest.fixture
def split(data: Path, tmp_path: Path) -> Path:
    """Patients 1 and 2 test, 3 trains, 4 validates."""
    stems = sorted(path.stem for path in data.glob("images_part*/*.png"))
    parts = ("test", "test", "train", "val")
    rows = [f"{stem},{parts[int(stem[:4]) - 1]}" for stem in stems]
    (tmp_path / "split.csv").write_text("\n".join(["filestem,split", *rows]) + "\n")
    return tmp_path / "split.csv"


def test_a_package_is_measured_and_compared_in_one_command(
    data: Path, split: Path, tiny_package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, model = tmp_path / "out", f"{tiny_package}"
    words = ["--data", data, "--split", split, "--out", out, "--draws", 100, "--threads", 1, "--against", model]
    assert run(["evaluate", "--model", model, *map(str, words), "--json"]) == 0
    evaluation = Evaluation.parse_json((out / "evaluation.json").read_bytes(), source="evaluation.json")
    assert orjson.loads(capsys.readouterr().out) == orjson.loads(evaluation.to_json())
    assert (evaluation.images, evaluation.part) == (4, "test")
    assert evaluation.boxes is not None
    assert evaluation.boxes.map50.value == pytest.approx(evaluation.map50, abs=1e-9)
    reading = Reading.parse_json((out / "reading.json").read_bytes(), source="reading.json")
    assert (reading.images, reading.patients, reading.truth) == (4, 2, "labels")
    comparison = Comparison.parse_json((out / "comparison.json").read_bytes(), source="comparison.json")
    assert comparison.ap50["mean"].p == 1
    assert {path.name for path in out.iterdir()} == {
        "comparison.json", "curves.csv", "evaluation.json", "predictions.csv.gz", "reading.json", "report.html",
    }  # fmt: skip
    html = (out / "report.html").read_text()
    assert "Model card" in html
    assert "Worst failures" in html
    assert "Against tiny:1" in html


def test_stored_predictions_are_measured_against_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"s{n},{'val' if n < 40 else 'test'},0,0.5,0.5,0.1,0.1,{0.9 if n % 2 else 0.3}" for n in range(80)]
    (tmp_path / "p.csv").write_text(HEAD + "\n".join(rows))
    table = [f"s{n},{n // 2},{1 if n % 2 else ''}" for n in range(80)]
    (tmp_path / "dataset.csv").write_text("\n".join(["filestem,patient_id,fracture_visible", *table]))
    common = ["--data", tmp_path / "dataset.csv", "--out", tmp_path / "out", "--draws", 100, "--classes", "fracture"]
    words = ["evaluate", "--predictions", str(tmp_path / "p.csv"), *map(str, common)]
    assert run(words) == 0
    assert "AUC of fracture by image 1.0000, 40 images" in capsys.readouterr().out
    reading = Reading.parse_json((tmp_path / "out/reading.json").read_bytes(), source="reading.json")
    assert reading.truth == "table"
    assert reading.levels["image"]["fracture"].points["high_specificity"].specificity.value == 1.0
    (tmp_path / "dataset.csv").write_text("\n".join(["filestem,patient_id,fracture_visible", *table[:-1]]))
    assert run(words) == 2
    assert "first s79 [dataset.bad-predictions]" in capsys.readouterr().err
    assert run([*words, "--part", "train"]) == 2


@pytest.mark.parametrize(
    "words", [[], ["--model", "starter", "--predictions", "p.csv"], ["--model", "x", "--part", "y"]]
)
def test_what_cannot_be_meant_is_refused(words: list[str], tmp_path: Path) -> None:
    assert run(["evaluate", "--data", str(tmp_path), "--out", str(tmp_path / "out"), *words]) == 2
