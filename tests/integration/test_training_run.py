"""Training as people run it, on one Ray whose worker and whose head are killed: stopped by ctrl-C, gone on with on
fewer workers, turned into a package; and a search for settings.

All of it shares the Ray of one fixture, because each start costs 15 s of processor time and each process that trains 7.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
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
from carpal_training.distributed.cluster import QUIET
from carpal_training.distributed.surroundings import STORE_BYTES
from carpal_training.run import RunFolder, Summary

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

PATIENCE_S = 240.0
RECIPE: dict[str, Any] = {
    "size_px": 64,
    "epochs": 5000,
    "batch": 4,
    "workers": 2,
    "restarts": 9,
    "lr": 0.001,
    "warmup_epochs": 0.0,
    "precision": "bfloat16",
    "split": {"train": 0.6, "val": 0.2},
}
SEARCH = {"recipe": "tiny.yaml", "trials": 2, "grace_epochs": 1, "space": {"lr": {"choices": [1e30]}}}


class Head:
    """A Ray of two cores that can be killed at once, as a machine dies, and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Comes back when it takes work."""
        command = [
            *(str(Path(sys.executable).parent / "ray"), "start", "--head", "--block", "--include-dashboard=false"),
            *("--node-ip-address=127.0.0.1", f"--port={self.port}", "--num-cpus=2", f"--temp-dir={self._folder}"),
            f"--object-store-memory={STORE_BYTES}",
        ]
        environment = {**os.environ, **QUIET, "RAY_AUTH_MODE": "disabled"}
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )
        assert self._process.stdout is not None
        said = []
        while "Ray runtime started" not in (line := self._process.stdout.readline()):
            said.append(line)
            assert line, "".join(said)

    def kill(self) -> None:
        """Its processes share the fate of the one that started them."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@pytest.fixture(scope="module")
def head() -> Iterator[Head]:
    # Not in pytest's folder: the paths of its sockets may have 107 bytes.
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        yield from served(Head(Path(folder)))


def served(ray: Head) -> Iterator[Head]:
    """Name it to every command, and end it in the end."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RAY_ADDRESS", ray.address)
        environment.setenv("RAY_AUTH_MODE", "disabled")
        ray.start()
        yield ray
        ray.kill()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with phantoms, a recipe and a search."""
    folder = tmp_path_factory.mktemp("place")
    generate(folder / "phantoms", 12, seed=1, size_px=128)
    (folder / "tiny.yaml").write_text(yaml.safe_dump(RECIPE))
    (folder / "search.yaml").write_text(yaml.safe_dump(SEARCH))
    return folder


def start(*words: str | Path) -> subprocess.Popen[str]:
    """The command in a process group of its own, as a shell would start it."""
    command = [sys.executable, "-m", "carpal.cli", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def heard(process: subprocess.Popen[str], word: str) -> str:
    """What it says until a word comes."""
    assert process.stderr is not None
    said = ""
    while word not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    return said


def workers_of(folder: RunFolder) -> list[int]:
    """The processes that train now: rank 0 maps the images, and so does every other."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if (path / "cmdline").read_bytes().startswith(b"ray::") and str(folder.cache) in (
                path / "maps"
            ).read_text():
                found.append(int(path.name))
        except OSError:  # it ended meanwhile
            continue
    return found


@dataclass(frozen=True)
class Stopped:
    """A run that lost a worker, then its head, and was stopped by ctrl-C in the end.

    Attributes:
        folder: of the run.
        done: epochs before the worker was lost, before the head was lost, and in the end.
        code, said, summary: exit code, everything that it said, run.json.
        seconds: until ctrl-C was answered.
    """

    folder: RunFolder
    done: tuple[int, int, int]
    code: int
    said: str
    summary: Summary
    seconds: float


@pytest.fixture(scope="module")
def stopped(head: Head, place: Path) -> Stopped:
    folder = RunFolder(place / "run")
    words = ["--data", place / "phantoms", "--out", folder.path, "--backup", place / "copy"]
    process = start("train", "run", place / "tiny.yaml", *words)

    def until(true: Callable[[], Any]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not true():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline, "it did not happen"
            time.sleep(0.02)

    until(lambda: len(folder.read_epochs()) >= 2)
    victims = workers_of(folder)
    assert len(victims) == 2
    os.kill(victims[1], signal.SIGKILL)
    without_worker = len(folder.read_epochs())
    until(lambda: len(folder.read_epochs()) > without_worker + 1)
    head.kill()
    without_head = len(folder.read_epochs())
    head.start()
    until(lambda: len(folder.read_epochs()) > without_head + 1)

    begun = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    said = heard(process, "Stopping")
    seconds = time.monotonic() - begun
    said += process.communicate(timeout=PATIENCE_S)[1]
    done = (without_worker, without_head, len(folder.read_epochs()))
    return Stopped(folder, done, process.returncode, said, folder.read_summary(), seconds)


@pytest.fixture(scope="module")
def finished(place: Path, stopped: Stopped) -> RunFolder:
    """That run, gone on with from its copy, on one worker, for one more epoch, after which it ended by itself."""
    folder, epochs = RunFolder(place / "elsewhere"), stopped.summary.epochs_done + 1
    words = ["--out", folder.path, "--backup", place / "copy", "--json"]  # recipe and data: as the run knows them
    changes = ["--resume", "--workers", "1", "--set", f"epochs={epochs}", "--set", "lr=0.002"]
    process = start("train", "run", *words, *changes)
    out, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said
    assert orjson.loads(out)["state"] == "finished"
    return folder


def test_a_lost_worker_and_a_lost_head_cost_no_epoch(stopped: Stopped) -> None:
    first, second, last = stopped.done
    assert 2 <= first < second < last
    assert [epoch.epoch for epoch in stopped.folder.read_epochs()] == list(range(1, last + 1))
    assert f"going on after epoch {first}" in stopped.said or f"going on after epoch {first + 1}" in stopped.said
    assert stopped.said.count("going on after epoch") >= 2


def test_ctrl_c_is_answered_at_once_and_says_how_to_go_on(stopped: Stopped) -> None:
    assert stopped.code == 130
    assert stopped.seconds < 2.0
    assert "training.stopped" in stopped.said
    assert "--resume" in stopped.said
    assert "Traceback" not in stopped.said
    assert stopped.summary.state == "stopped"
    assert stopped.summary.epochs_done >= 1


def test_a_stopped_run_leaves_a_checkpoint_and_no_process_that_trains(stopped: Stopped) -> None:
    assert stopped.folder.last.is_file()
    deadline = time.monotonic() + PATIENCE_S  # on a cluster of somebody else's the command does not wait for their end
    while workers_of(stopped.folder):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_run_goes_on_elsewhere_where_it_stopped_and_ends_by_itself(stopped: Stopped, finished: RunFolder) -> None:
    epochs = finished.read_epochs()
    assert [epoch.epoch for epoch in epochs] == list(range(1, stopped.summary.epochs_done + 2))
    assert all(epoch.box_loss > 0 and epoch.map50 is not None for epoch in epochs)
    checkpoint = load_checkpoint(finished.last)
    assert checkpoint.epochs_done == len(epochs)
    shown = len(orjson.loads(finished.split_file.read_bytes())["parts"]["train"])
    assert checkpoint.updates == -(-shown // RECIPE["batch"]) * len(epochs)
    assert not torch.equal(checkpoint.weights["model.0.conv.weight"], checkpoint.average["model.0.conv.weight"])


def test_an_export_that_is_killed_leaves_no_package(finished: RunFolder, tmp_path: Path) -> None:
    process = start("export", finished.path, "--out", tmp_path / "package", "--name", "tiny")
    heard(process, "Comparing")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "package").exists()
    assert all(path.name.startswith(".") for path in tmp_path.iterdir())  # nobody takes it for a package
    assert not finished.variants_file.exists()


def test_a_run_becomes_a_package_that_serves(
    finished: RunFolder, place: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
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
    assert package.manifest.provenance.training["workers"] == 1
    words = ["--model", str(package.path), "--data", str(place / "phantoms"), "--part", "val"]
    assert carpal(["evaluate", *words, "--out", str(tmp_path / "e")]) == 0
    evaluation = orjson.loads((tmp_path / "e/evaluation.json").read_bytes())
    assert evaluation["map50"] == pytest.approx(package.manifest.accuracy.map50)
    assert evaluation["split_digest"] == package.manifest.provenance.split_digest


def test_a_search_that_is_killed_goes_on_and_survives_settings_that_diverge(head: Head, place: Path) -> None:
    out = place / "search"
    words = ["--data", place / "phantoms", "--out", out, "--set", "epochs=3", "--json"]
    process = start("train", "tune", place / "search.yaml", *words)
    heard(process, "trial 0, epoch 1/3")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    first = RunFolder(out / "trials/000")
    kept = first.read_epochs()[0]
    assert not (out / "search.json").exists()
    process = start("train", "tune", out / "search.yaml", "--resume", *words[:4], "--json")
    told, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said
    found = orjson.loads(told)
    assert [trial["state"] for trial in found["trials"]] == ["whole", "diverged"]
    assert found["best"] == 0
    assert first.read_epochs()[0] == kept  # and its time: it was not trained again
    assert yaml.safe_load((out / "best.yaml").read_text())["lr"] == RECIPE["lr"]
    assert "trial 0, epoch 3/3: mAP50-95" in said
