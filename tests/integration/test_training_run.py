"""Training as people run it: two Ray workers, from phantoms to a package, and on from that package."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml

from carpal.packages.package import open_package
from carpal.phantoms.dataset import generate
from carpal_training.checkpoint import load_checkpoint
from carpal_training.run import RunFolder

pytestmark = pytest.mark.slow

RECIPE = {
    "size_px": 64,
    "epochs": 1,
    "batch": 4,
    "workers": 2,
    "lr": 0.001,
    "warmup_epochs": 0.0,
    "precision": "bfloat16",
    "split": {"train": 0.6, "val": 0.2},
}


def carpal(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, as a shell would start it."""
    command = [sys.executable, "-m", "carpal.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phantoms") / "data"
    generate(folder, 12, seed=1, size_px=96)
    return folder


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "tiny.yaml"
    path.write_text(yaml.safe_dump(RECIPE))
    return path


@pytest.fixture(scope="module")
def trained(phantoms: Path, recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of one epoch on two workers, which ended by itself."""
    out = tmp_path_factory.mktemp("run") / "run"
    done = carpal("train", "run", recipe, "--data", phantoms, "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "finished"
    return out


def test_a_run_ends_by_itself(trained: Path) -> None:
    folder = RunFolder(trained)
    (epoch,) = folder.read_epochs()
    assert epoch.box_loss > 0
    assert epoch.map50 is not None
    assert folder.read_progress() == (2, 2)
    assert folder.read_summary().epochs_done == 1


def test_a_checkpoint_holds_trained_weights(trained: Path) -> None:
    checkpoint = load_checkpoint(trained / "last.pt")
    assert checkpoint.updates == 2
    name = "model.0.conv.weight"
    assert not torch.equal(checkpoint.weights[name], checkpoint.average[name])


def test_a_run_becomes_a_package_that_serves(trained: Path, phantoms: Path, tmp_path: Path) -> None:
    done = carpal("export", trained, "--out", tmp_path / "package", "--name", "tiny", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["parity"]["detections"] > 0
    package = open_package(tmp_path / "package")
    assert package.digest == told["digest"]
    assert package.manifest.provenance.training["workers"] == 2
    measured = carpal("evaluate", "--model", package.path, "--data", phantoms, "--part", "val", "--out", tmp_path / "e")
    assert measured.returncode == 0, measured.stderr
    evaluation = json.loads((tmp_path / "e/evaluation.json").read_text())
    assert evaluation["map50"] == pytest.approx(package.manifest.accuracy.map50)
    assert evaluation["split_digest"] == package.manifest.provenance.split_digest


def test_ctrl_c_stops_within_seconds_and_says_how_to_go_on(phantoms: Path, recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = ["train", "run", recipe, "--data", phantoms, "--out", out, "--set", "epochs=500"]
    process = subprocess.Popen(
        [sys.executable, "-m", "carpal.cli", *map(str, words)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    folder = RunFolder(out)
    deadline = time.monotonic() + 120
    while len(folder.read_epochs()) < 2:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    begun = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert time.monotonic() - begun < 10
    assert process.returncode == 130
    assert "training.stopped" in said
    assert "--resume" in said
    before = folder.read_summary()
    assert before.state == "stopped"
    epochs = str(before.epochs_done + 1)
    resumed = carpal("train", "run", recipe, "--data", phantoms, "--out", out, "--resume", "--set", f"epochs={epochs}")
    assert resumed.returncode == 0, resumed.stderr
    assert [epoch.epoch for epoch in folder.read_epochs()] == list(range(1, before.epochs_done + 2))
