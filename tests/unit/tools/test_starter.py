"""`make starter` runs the commands of the how-to page in order, skips what is done, and resumes a training."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from tools.starter import DATA_NEEDED, main, steps

from carpal_training.recipe import read_recipe

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs/how-to/train-on-real-radiographs.md"
RECIPES = ("limbs-first.yaml", "limbs-second.yaml", "limbs.yaml")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in DATA_NEEDED:
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).touch()
    return tmp_path / "data"


def test_starter_names_the_missing_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--data", str(tmp_path), "--out", str(tmp_path / "out")])
    error = capsys.readouterr().err
    assert "fracatlas/data.yaml" in error
    assert "make starter DATA=FOLDER" in error


def test_starter_runs_every_step_in_order_and_stops_at_the_first_failure(data: Path, tmp_path: Path) -> None:
    calls: list[list[str]] = []

    def run(words: Sequence[str]) -> int:
        calls.append(list(words[1:]))
        return 3 if words[1] == "export" else 0

    assert main(["--data", str(data), "--out", str(tmp_path / "out")], run) == 3
    assert [words[0] for words in calls] == ["phantoms", *["train"] * 5, "export"]


def test_starter_skips_what_is_done_and_resumes_the_training(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for name in ("phantoms/dataset.csv", "fracatlas/dataset.json", "third/last.pt", "third/run.json"):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text('{"state":"stopped"}')
    for name in ("first", "second"):
        (out / name).mkdir()
        (out / name / "run.json").write_text('{"state":"finished"}')
    calls: list[list[str]] = []

    def run(words: Sequence[str]) -> int:
        calls.append(list(words[1:]))
        return 1

    assert main(["--data", str(data), "--out", str(out)], run) == 1
    assert calls == [["train", "run", "--out", str(out / "third"), "--resume"]]
    (out / "third/run.json").write_text('{"state":"finished"}')
    calls.clear()
    main(["--data", str(data), "--out", str(out)], run)
    assert calls == [["train", "average", str(out / "second"), str(out / "third"), "--out", str(out / "run")]]
    (out / "run").mkdir()
    (out / "run/run.json").write_text('{"state":"finished"}')
    calls.clear()
    main(["--data", str(data), "--out", str(out)], run)
    assert calls[0][0] == "export"


def test_the_page_shows_the_commands_of_make_starter(data: Path) -> None:
    shown = re.sub(r"\\\n\s*", "", PAGE.read_text())
    for step in steps(Path("../shared/data"), Path("out")):
        words = [word for word in step.words if not word.startswith("start=")]
        words = [str(Path(word).relative_to(ROOT)) if word.startswith(str(ROOT)) else word for word in words]
        command = "carpal " + " ".join(words).replace("out/", "").removesuffix(" --set")
        assert command in shown, command


def test_each_training_starts_from_the_best_epoch_of_the_one_before(data: Path, tmp_path: Path) -> None:
    trainings = [step.words for step in steps(data, tmp_path / "out") if step.words[:2] == ("train", "run")]
    starts = [data / "yolov8-coco/yolov8n.pt", *(tmp_path / "out" / name / "best.pt" for name in ("first", "second"))]
    assert [words[-1] for words in trainings] == [f"start={start}" for start in starts]
    assert [words[2] for words in trainings] == [str(ROOT / "training/recipes" / name) for name in RECIPES]


@pytest.mark.parametrize("name", RECIPES)
def test_the_recipes_of_the_starter_are_valid(name: str) -> None:
    assert read_recipe(ROOT / "training/recipes" / name).datasets["fracatlas"].reference
