"""From a reference to a warm model."""

from __future__ import annotations

import io
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from carpal.engines.opening import open_engine
from carpal.errors import PackageError
from carpal_detector import served as loading
from carpal_detector.logs import make_logger
from carpal_detector.served import Served, load
from carpal_detector.settings import Settings

QUIET = make_logger(io.StringIO())


def nobody(model: str, images: int, seconds: float) -> None:
    """Hears of every call of the engine, and does not care."""


def test_a_folder_is_served_under_the_name_of_its_package(served: Served):
    assert (served.name, served.version) == ("tiny", "1")


def test_the_name_in_the_routes_may_be_another(tiny_package: Path):
    settings = Settings(model_name="wrist", engine="emulated:0")
    assert load(settings, str(tiny_package), nobody, QUIET).name == "wrist"


def test_an_altered_package_is_never_loaded(tiny_package: Path, tmp_path: Path):
    copy = shutil.copytree(tiny_package, tmp_path / "copy")
    (copy / "model.onnx").write_bytes((copy / "model.onnx").read_bytes() + b"\0")
    with pytest.raises(PackageError):
        load(Settings(), str(copy), nobody, QUIET)


def test_images_are_batched_where_a_call_costs_more_than_an_image_and_not_on_a_cpu(tiny_package: Path):
    batches = {
        engine: load(Settings(engine=engine), str(tiny_package), nobody, QUIET).batch
        for engine in ("onnxruntime", "emulated:0", "emulated:1+0")
    }
    assert batches == {"onnxruntime": 1, "emulated:0": 1, "emulated:1+0": 8}
    assert load(Settings(batch=4), str(tiny_package), nobody, QUIET).batch == 4


def test_every_call_of_the_engine_is_told_of(tiny_package: Path):
    calls: list[tuple[str, int]] = []
    served = load(
        Settings(engine="emulated:0"), str(tiny_package), lambda name, images, s: calls.append((name, images)), QUIET
    )
    served.detector.infer(np.zeros((3, 1, 64, 64), np.uint8))
    assert calls == [("tiny", 1), ("tiny", 3)]  # the first is the warm-up


def test_a_gpu_that_cannot_be_used_is_said(tiny_package: Path, monkeypatch: pytest.MonkeyPatch):
    def opened(*arguments: Any, **options: Any) -> Any:
        engine = open_engine(*arguments, **options)
        info = replace(engine.describe(), provider="CPUExecutionProvider", unusable=("CUDAExecutionProvider",))
        monkeypatch.setattr(engine, "describe", lambda: info)
        return engine

    monkeypatch.setattr(loading, "open_engine", opened)
    log = io.StringIO()
    load(Settings(engine="emulated:0"), str(tiny_package), nobody, make_logger(log))
    (said,) = [json.loads(line) for line in log.getvalue().splitlines()]
    assert (said["level"], said["unusable"], said["instead"]) == (
        "warning",
        ["CUDAExecutionProvider"],
        "CPUExecutionProvider",
    )


@pytest.mark.parametrize(
    ("settings", "streams"),
    [
        ({"engine": "onnxruntime", "streams": 2}, 3),
        ({"engine": "onnxruntime", "streams": 2, "isolate": False}, 2),
        ({"engine": "emulated:20", "streams": 2}, 2),
        ({"engine": "emulated:1+0"}, 16),
        ({"engine": "emulated:1+0", "streams": 5}, 5),
    ],
)
def test_a_cpu_has_an_image_at_work_beyond_those_it_computes(tiny_package: Path, settings: dict, streams: int):
    assert load(Settings(**settings), str(tiny_package), nobody, QUIET).streams == streams


@pytest.mark.parametrize(
    ("settings", "sessions"),
    [
        ({"engine": "onnxruntime", "streams": 3}, [(1, 3), (3, 1)]),
        ({"engine": "onnxruntime", "streams": 2, "threads": 2}, [(2, 2), (4, 1)]),
        ({"engine": "onnxruntime", "streams": 1}, [(1, 1)]),
        ({"engine": "onnxruntime", "streams": 3, "idle_cores": False}, [(1, 3)]),
        ({"engine": "onnxruntime", "streams": 3, "workers": 2}, [(1, 3)]),
        ({"engine": "onnxruntime", "streams": 3, "batch": 4}, [(1, 3)]),
        ({"engine": "emulated:0", "streams": 3}, [(1, 3)]),
    ],
)
def test_a_second_session_uses_the_cores_that_one_image_leaves_idle(
    tiny_package: Path, monkeypatch: pytest.MonkeyPatch, settings: dict, sessions: list[tuple[int, int]]
):
    opened: list[tuple[int, int]] = []

    def recorded(*arguments: Any, threads: int, streams: int) -> Any:
        opened.append((threads, streams))
        return open_engine(*arguments, threads=threads, streams=streams)

    monkeypatch.setattr(loading, "open_engine", recorded)
    served = load(Settings(**settings), str(tiny_package), nobody, QUIET)
    served.detector.infer(np.zeros((1, 1, 64, 64), np.uint8))
    assert opened == sessions
