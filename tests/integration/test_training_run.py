"""Training as people run it: two Ray workers, stopped by ctrl-C, gone on with, and turned into a package.

Ray starts twice in all, because a start costs half a minute of processor time.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
import torch
import yaml

from carpal.cli import run as carpal
from carpal.packages.package import open_package
from carpal.phantoms.dataset import generate
from carpal_training.checkpoint import load_checkpoint
from carpal_training.run import RunFolder, Summary

pytestmark = pytest.mark.slow

RECIPE: dict[str, Any] = {
    "size_px": 64,
    "epochs": 500,
    "batch": 4,
    "workers": 2,
    "lr": 0.001,
    "warmup_epochs": 0.0,
    "precision": "bfloat16",
    "split": {"train": 0.6, "val": 0.2},
}


def start(*words: str | Path) -> subprocess.Popen[str]:
    """The command in a process group of its own, as a shell would start it."""
    command = [sys.executable, "-m", "carpal.cli", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


@dataclass(frozen=True)
class Stopped:
    """A run that ctrl-C stopped: its folder, exit code, last words, summary, and the seconds until it had answered."""

    folder: RunFolder
    code: int
    said: str
    summary: Summary
    seconds: float


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phantoms") / "data"
    generate(folder, 12, seed=1, size_px=128)
    return folder


@pytest.fixture(scope="module")
def stopped(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Stopped:
    place = tmp_path_factory.mktemp("run")
    recipe, folder = place / "tiny.yaml", RunFolder(place / "run")
    recipe.write_text(yaml.safe_dump(RECIPE))
    process = start("train", "run", recipe, "--data", phantoms, "--out", folder.path)
    deadline = time.monotonic() + 120
    while not folder.read_epochs():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    begun = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    assert process.stderr is not None
    while "Stopping" not in (line := process.stderr.readline()):
        assert line, "the command ended without a word"
    seconds = time.monotonic() - begun
    _, said = process.communicate(timeout=60)
    return Stopped(folder, process.returncode, said, folder.read_summary(), seconds)


@pytest.fixture(scope="module")
def finished(phantoms: Path, stopped: Stopped) -> RunFolder:
    """The same run, gone on with for one more epoch, after which it ended by itself."""
    folder, epochs = stopped.folder, stopped.summary.epochs_done + 1
    recipe = ["--resume", "--set", f"epochs={epochs}", "--set", "lr=0.002"]
    process = start("train", "run", folder.recipe_file, "--data", phantoms, "--out", folder.path, "--json", *recipe)
    out, said = process.communicate(timeout=150)
    assert process.returncode == 0, said
    assert orjson.loads(out)["state"] == "finished"
    return folder


def test_ctrl_c_is_answered_at_once_and_says_how_to_go_on(stopped: Stopped) -> None:
    assert stopped.code == 130
    assert stopped.seconds < 2.0
    assert "training.stopped" in stopped.said
    assert "--resume" in stopped.said
    assert "Traceback" not in stopped.said
    assert stopped.summary.state == "stopped"
    assert stopped.summary.epochs_done >= 1


def test_a_stopped_run_leaves_a_checkpoint_and_no_ray_processes(stopped: Stopped) -> None:
    assert stopped.folder.last.is_file()
    mine = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not [line for line in mine if str(stopped.folder.path).encode() in line]


def test_a_run_goes_on_where_it_stopped_and_ends_by_itself(stopped: Stopped, finished: RunFolder) -> None:
    epochs = finished.read_epochs()
    assert [epoch.epoch for epoch in epochs] == list(range(1, stopped.summary.epochs_done + 2))
    assert all(epoch.box_loss > 0 and epoch.map50 is not None for epoch in epochs)
    checkpoint = load_checkpoint(finished.last)
    assert checkpoint.epochs_done == len(epochs)
    shown = len(orjson.loads(finished.split_file.read_bytes())["parts"]["train"])
    assert checkpoint.updates == -(-shown // RECIPE["batch"]) * len(epochs)
    assert not torch.equal(checkpoint.weights["model.0.conv.weight"], checkpoint.average["model.0.conv.weight"])


def test_a_run_becomes_a_package_that_serves(
    finished: RunFolder, phantoms: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["--out", str(tmp_path / "package"), "--name", "tiny", "--variants", "dynamic,int8-onnxruntime", "--json"]
    assert carpal(["export", str(finished.path), *words]) == 0
    told = orjson.loads(capfd.readouterr().out)
    reported = orjson.loads(finished.variants_file.read_bytes())
    assert [one["name"] for one in reported["variants"]] == ["dynamic", "int8-onnxruntime"]
    assert reported["variants"] == told["variants"]
    assert told["parity"]["detections"] > 0
    package = open_package(tmp_path / "package")
    assert package.digest == told["digest"]
    kept = [one["file"] for one in told["variants"] if one["kept"]]
    assert "model.batch.onnx" in kept
    assert [one.file for one in package.manifest.variants] == ["model.onnx", *kept]
    assert package.manifest.provenance.training["workers"] == 2
    words = ["--model", str(package.path), "--data", str(phantoms), "--part", "val", "--out", str(tmp_path / "e")]
    assert carpal(["evaluate", *words]) == 0
    evaluation = orjson.loads((tmp_path / "e/evaluation.json").read_bytes())
    assert evaluation["map50"] == pytest.approx(package.manifest.accuracy.map50)
    assert evaluation["split_digest"] == package.manifest.provenance.split_digest
