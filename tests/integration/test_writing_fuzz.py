"""Writers under coverage-guided fuzzing: any header and any record give files or a CarpalError."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).resolve().parents[1] / "fuzz/fuzz_writers.py"


def test_twenty_seconds_of_coverage_guided_fuzzing_find_nothing(tmp_path: Path):
    """Its own process: libFuzzer ends it, and wants the modules uninstrumented by anything else."""
    pytest.importorskip("atheris", reason="atheris is not installed")
    run = subprocess.run(
        [sys.executable, str(FUZZ), "20", str(tmp_path), "2026"], capture_output=True, timeout=300, check=False
    )
    said = run.stderr.decode(errors="replace")
    assert run.returncode == 0, said[-3000:]
    assert list(tmp_path.iterdir()) == []
    assert int(said.split("number_of_executed_units:")[1].split()[0]) > 10
