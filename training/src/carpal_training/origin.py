"""Where a result comes from: the revision of the code and the versions of the libraries."""

from __future__ import annotations

import os
import subprocess
from importlib.metadata import version
from pathlib import Path

LIBRARIES = (
    "carpal",
    "carpal-training",
    "torch",
    "ultralytics",
    "ray",
    "onnx",
    "onnxslim",
    "onnxruntime",
    "numpy",
    "opencv-python-headless",
)


def library_versions() -> dict[str, str]:
    """The versions that shape the weights."""
    return {name: version(name) for name in LIBRARIES}


def code_revision(folder: Path = Path(__file__).parent) -> str:
    """The commit of the checkout that a folder is in, "+changes" added where its files differ; else "unknown"."""
    try:
        head = _git(folder, "rev-parse", "HEAD")
        changes = _git(folder, "status", "--porcelain", "--untracked-files=no", "--", ".")
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return head + ("+changes" if changes else "")


def _git(folder: Path, *words: str) -> str:
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    done = subprocess.run(
        ["git", *words], cwd=folder, env=environment, capture_output=True, text=True, check=True, timeout=10
    )
    return done.stdout.strip()
