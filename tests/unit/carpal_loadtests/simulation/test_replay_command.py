"""The commands, as a person runs them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.carpal_loadtests.made_runs import write_run

from carpal.cli import run
from carpal_loadtests.cluster import READY, SOURCE, WANTED
from carpal_loadtests.result import SERVER
from carpal_loadtests.telemetry import Sample, write_samples

TEXT = """
name: recorded
arrivals: {kind: constant, rate_per_s: 1, duration_s: 1}
service: {mean_ms: 20, cv: 0}
policies: {two: {kind: fixed, replicas: 2}}
"""


def record(folder: Path, replicas: int) -> None:
    """What a run with --namespace writes beside its rows."""
    named = {WANTED: replicas, READY: replicas}
    samples = [
        Sample(at + 0.5, SOURCE, name, 'deployment="known"', value) for at in range(5) for name, value in named.items()
    ]
    with (folder / SERVER).open("wb") as stream:
        write_samples(samples, stream, zero_unix_s=0.0)


def test_a_run_and_its_recording_are_compared_and_the_exit_code_says_whether_it_holds(
    tmp_path: Path, scenario: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    made = write_run(tmp_path / "run", scenario(rate_per_s=20, duration_s=5), service_s=0.02, slots=2)
    setup = tmp_path / "setup.yaml"
    setup.write_text(TEXT)
    asked = ["load", "replay", str(setup), "--policy", "two", "--run", str(made)]
    record(made, replicas=2)
    assert run([*asked, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["within_one_share"] == 1
    record(made, replicas=5)
    assert run(asked) == 1
    assert capsys.readouterr().out.startswith("does not hold: replicas within one at 0.0% of 5 looks")


def test_a_policy_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    setup = tmp_path / "setup.yaml"
    setup.write_text(TEXT)
    assert run(["load", "replay", str(setup), "--policy", "one", "--run", "x"]) == 2
    assert "has no policy 'one'" in capsys.readouterr().err
