"""Charts as Helm renders them; a major of Helm that is not on this machine skips its tests."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tools.charts.rendering import NAMESPACE
from tools.charts.values import CHARTS
from tools.helm import helm

Refuse = Callable[..., str]


@pytest.fixture(params=[3, 4], ids=["helm 3", "helm 4"])
def program(request: pytest.FixtureRequest) -> Path:
    """Each major of Helm."""
    found = helm(request.param)
    if found is None:
        pytest.skip(f"Helm {request.param} is not here; make setup fetches it on Linux x86-64")
    return found


@pytest.fixture
def template(program: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """``template(chart, values, release="wrist")``: what helm template says of values given as a dictionary."""

    def run(
        chart: str, values: dict[str, Any], release: str = "wrist", namespace: str = NAMESPACE
    ) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "values.yaml"
        file.write_text(yaml.safe_dump(values))
        command = [program, "template", release, CHARTS / chart, "--namespace", namespace, "--values", file]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run


@pytest.fixture
def refused(template: Callable[..., subprocess.CompletedProcess[str]]) -> Refuse:
    """The message with which Helm refuses values."""

    def run(chart: str, values: dict[str, Any], release: str = "wrist") -> str:
        done = template(chart, values, release)
        assert done.returncode, f"Helm takes {values}"
        return done.stderr

    return run


@pytest.fixture
def rendered(template: Callable[..., subprocess.CompletedProcess[str]]) -> Callable[..., list[dict[str, Any]]]:
    """The manifests that values give."""

    def run(chart: str, values: dict[str, Any], release: str = "wrist") -> list[dict[str, Any]]:
        done = template(chart, values, release)
        assert done.returncode == 0, done.stderr
        return [part for part in yaml.safe_load_all(done.stdout) if part]

    return run
