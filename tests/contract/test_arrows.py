"""The arrows between the distributions bite: a planted import breaks the contract that forbids it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("model_repo/src", "training/src", "services/detector/src", "loadtests/src")
PLANTS = [
    ("model_repo/src/carpal/errors.py", "import carpal_training", "The core knows none of the parts that build on it"),
    (
        "loadtests/src/carpal_loadtests/errors.py",
        "import carpal_detector",
        "Training, detector and load tests never import one another",
    ),
    ("model_repo/src/carpal/terminal.py", "import starlette", "The core needs no torch, ray or web framework"),
    (
        "services/detector/src/carpal_detector/errors.py",
        "import kserve",
        "The service needs no torch, ray or ultralytics, and not KServe's SDK",
    ),
    (
        "services/detector/src/carpal_detector/errors.py",
        "import onnxruntime",
        "One module runs onnxruntime, and one makes files with its tools",
    ),
    ("training/src/carpal_training/errors.py", "import openvino as ov", "One module imports openvino"),
    ("training/src/carpal_training/errors.py", "import nncf", "One module imports nncf"),
    ("training/src/carpal_training/errors.py", "from ultralytics import YOLO", "One module imports ultralytics"),
    ("training/src/carpal_training/errors.py", "import ray.train", "One package imports ray"),
]


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    """Run the checker over the sources below a root, whatever is installed."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(str(root / source) for source in SOURCES)}
    command = [
        str(Path(sys.executable).parent / "lint-imports"),
        "--no-cache",
        "--no-logo",
        "--config",
        "pyproject.toml",
    ]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


def broken(output: str) -> list[str]:
    """The names of the contracts that the checker found broken."""
    return re.findall(r"^(.*) BROKEN\b", output, flags=re.MULTILINE)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sources and their contracts, to be spoiled."""
    for source in SOURCES:
        ignore = shutil.ignore_patterns("__pycache__", "proto")
        shutil.copytree(ROOT / source, tmp_path / source, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_sources_keep_every_arrow(copy: Path):
    checked = lint_imports(copy)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(("file", "line", "contract"), PLANTS, ids=[contract for _, _, contract in PLANTS])
def test_a_forbidden_import_is_caught(copy: Path, file: str, line: str, contract: str):
    path = copy / file
    path.write_text(f"{path.read_text()}\n{line}\n")
    checked = lint_imports(copy)
    assert checked.returncode != 0
    assert contract in broken(checked.stdout), checked.stdout + checked.stderr
