"""The serving image stays small and starts fast: what it imports holds nothing that trains or plays the client."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "torch",
    "ray",
    "ultralytics",
    "kserve",
    "pandas",
    "kubernetes",
    "fastapi",
    "tritonclient",
    "matplotlib",
    "scipy",
)


@pytest.mark.parametrize("module", ["carpal_detector.server", "carpal_detector.cli"])
def test_the_service_imports_nothing_that_trains(module: str):
    code = f"import sys, {module}; print(*sorted({set(HEAVY)!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split() == []
