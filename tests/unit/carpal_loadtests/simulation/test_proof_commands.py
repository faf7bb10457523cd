"""The commands, as a person runs them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.carpal_loadtests.made_runs import write_run

from carpal.cli import run

TEXT = """
name: recorded
arrivals: {kind: constant, rate_per_s: 1, duration_s: 1}
service: {mean_ms: 20, cv: 0}
policies: {two: {kind: fixed, replicas: 2}}
"""


def test_a_run_and_its_recording_are_compared_and_the_exit_code_says_whether_it_holds(
    tmp_path: Path, scenario: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    made = write_run(tmp_path / "run", scenario(rate_per_s=20, duration_s=5), service_s=0.02, slots=2)
    zero = 1795694400  # second 0 of such runs: 2026-11-26T12:00:00Z
    setup, ticks = tmp_path / "setup.yaml", tmp_path / "ticks.csv"
    setup.write_text(TEXT)
    asked = ["load", "replay", str(setup), "--policy", "two", "--run", str(made), "--ticks", str(ticks)]
    ticks.write_text("unix_s,replicas,ready\n" + "".join(f"{zero + second}.5,2,2\n" for second in range(5)))
    assert run([*asked, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["within_one_share"] == 1
    ticks.write_text("unix_s,replicas,ready\n" + "".join(f"{zero + second}.5,5,5\n" for second in range(5)))
    assert run(asked) == 1
    assert capsys.readouterr().out.startswith("does not hold: replicas within one at 0.0% of 5 looks")


def test_a_policy_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    setup = tmp_path / "setup.yaml"
    setup.write_text(TEXT)
    assert run(["load", "replay", str(setup), "--policy", "one", "--run", "x", "--ticks", "y"]) == 2
    assert "has no policy 'one'" in capsys.readouterr().err


def test_without_a_cluster_recording_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    asked = ["load", "record", "detector", "--seconds", "1", "--out", str(tmp_path / "replicas.csv")]
    assert run(asked) == 2
    assert "[load.recording]" in capsys.readouterr().err
