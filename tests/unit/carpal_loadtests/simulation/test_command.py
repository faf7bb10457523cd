"""The command, as a person runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from carpal.cli import run

TEXT = """
name: short
arrivals: {kind: poisson, rate_per_s: 20, duration_s: 60}
service: {mean_ms: 80}
limit_ms: LIMIT
policies:
  one: {kind: fixed, replicas: 1}
  six: {kind: fixed, replicas: 6}
  cpu: {kind: hpa, min_replicas: 6, target: 60}
"""


def write(folder: Path, limit_ms: int = 500) -> Path:
    path = folder / "short.yaml"
    path.write_text(TEXT.replace("LIMIT", str(limit_ms)))
    return path


def test_the_table_names_the_best_and_its_values_can_be_installed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = tmp_path / "values.yaml"
    assert run(["load", "simulate", str(write(tmp_path)), "--values", str(values)]) == 0
    said = capsys.readouterr().out
    assert "six                    *" in said
    assert (
        said.splitlines()[-1]
        == "six is the cheapest that gets 99.00% within 500 ms: 6.0 replicas on average (simulated)"
    )
    assert yaml.safe_load(values.read_text())["autoscaling"] == {"class": "none", "minReplicas": 6}


def test_where_none_is_good_enough_it_exits_1_and_writes_no_values(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values, out = tmp_path / "values.yaml", tmp_path / "simulated.json"
    asked = ["load", "simulate", str(write(tmp_path, 70)), "--values", str(values), "--out", str(out), "--json"]
    assert run(asked) == 1
    said = capsys.readouterr()
    assert "no policy gets 99.00% within 70 ms" in said.err
    assert json.loads(said.out) == json.loads(out.read_text())
    assert not values.exists()


def test_a_file_that_is_none_is_an_error_in_three_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["load", "simulate", "no-such.yaml"]) == 2
    assert "[load.simulation-invalid]" in capsys.readouterr().err
