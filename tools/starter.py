"""`make starter`: train the starter package again from real radiographs, phantoms and COCO weights, and measure it.

Each step is one `carpal` command and leaves a folder below --out. A step whose result exists is skipped, and an
interrupted training continues from its last checkpoint, so the same command can be repeated until it is done.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from carpal.terminal import Terminal

ROOT = Path(__file__).resolve().parent.parent
CARPAL = str(Path(sys.executable).with_name("carpal"))
RECIPES = ROOT / "training/recipes"
RUNS = {"first": "limbs-first.yaml", "second": "limbs-second.yaml", "third": "limbs.yaml"}  # each continues the last
AVERAGED = ("second", "third")
PHANTOMS, SEED = 3000, 2026
DATA_NEEDED = ("fracatlas/data.yaml", "yolov8-coco/yolov8n.pt", "graz/dataset.csv.gz")


@dataclass(frozen=True)
class Step:
    """One command, the file that it leaves, and a text that the file has only when the command is done."""

    words: tuple[str, ...]
    result: Path
    mark: str = ""

    @property
    def done(self) -> bool:
        """Whether the result of an earlier call is complete."""
        return self.result.is_file() and self.mark in self.result.read_text("utf-8")


def main(arguments: Sequence[str] | None = None, run: Callable[[Sequence[str]], int] = subprocess.call) -> int:
    """Run the steps that are left; return the exit code of the first that fails. Exit with 2 if the data is missing."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data", help="fracatlas, yolov8-coco, graz")
    parser.add_argument("--out", type=Path, default=ROOT / "out/starter", help="folder of all results")
    chosen = parser.parse_args(arguments)
    missing = [name for name in DATA_NEEDED if not (chosen.data / name).is_file()]
    if missing:
        parser.error(
            f"{', '.join(missing)} not found in {chosen.data}. The starter is trained on FracAtlas (CC BY 4.0) from "
            "COCO weights (AGPL-3.0), which are not part of carpal. Give their folder: make starter DATA=FOLDER."
        )
    terminal = Terminal()
    for step in steps(chosen.data, chosen.out):
        if step.done:
            terminal.say(f"done before: {step.result}")
            continue
        terminal.say(f"$ carpal {' '.join(step.words)}")
        code = run([CARPAL, *step.words])
        if code:
            return code
    terminal.done(f"The package is in {chosen.out / 'package'}. Copy it to model_repo/starter to ship it.")
    return 0


def steps(data: Path, out: Path) -> list[Step]:
    """Every step in order; a training resumes if its folder has a checkpoint."""
    phantoms, limbs, training, package = (str(out / name) for name in ("phantoms", "fracatlas", "run", "package"))
    trainings, start = [], data.resolve() / "yolov8-coco/yolov8n.pt"
    for name, recipe in RUNS.items():
        words = _training(RECIPES / recipe, out / name, start, (phantoms, limbs))
        trainings.append(Step(words, out / name / "run.json", '"finished"'))
        start = (out / name / "best.pt").resolve()
    images = [word for name in ("graz", "graz-more") for word in ("--images", str(data / name / "images"))]
    table = str(data / "graz/dataset.csv.gz")
    return [
        Step(("phantoms", phantoms, "--count", str(PHANTOMS), "--seed", str(SEED)), out / "phantoms/dataset.csv"),
        Step(("train", "import", "fracatlas", str(data / "fracatlas"), "--out", limbs), out / "fracatlas/dataset.json"),
        *trainings,
        Step(
            ("train", "average", *(str(out / name) for name in AVERAGED), "--out", training),
            out / "run/run.json",
            '"finished"',
        ),
        Step(
            (
                *("export", training, "--out", package, "--name", "starter"),
                *("--variants", "bfloat16", "--accept", "95%"),
            ),
            out / "package/manifest.json",
        ),
        *(
            Step(
                ("evaluate", "--model", package, "--data", folder, "--out", str(out / f"evaluation-{name}")),
                out / f"evaluation-{name}/evaluation.json",
            )
            for name, folder in (("fracatlas", limbs), ("phantoms", phantoms))
        ),
        Step(
            ("evaluate", "--model", package, *images, "--data", table, "--out", str(out / "evaluation-graz")),
            out / "evaluation-graz/reading.json",
        ),
    ]


def _training(recipe: Path, run: Path, start: Path, datasets: Sequence[str]) -> tuple[str, ...]:
    """The command that begins a run from some weights, or goes on with it."""
    if (run / "last.pt").is_file():
        return ("train", "run", "--out", str(run), "--resume")
    given = [word for dataset in datasets for word in ("--data", dataset)]
    return ("train", "run", str(recipe), *given, "--out", str(run), "--set", f"start={start}")
