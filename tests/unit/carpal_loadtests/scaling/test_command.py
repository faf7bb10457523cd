"""The command, as a person runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from carpal.cli import run


@pytest.fixture
def table(tmp_path: Path, spec: list[tuple[int, float]]) -> Path:
    path = tmp_path / "spec.csv"
    path.write_text("replicas,throughput_per_s,emulated\n" + "".join(f"{n},{x},true\n" for n, x in spec))
    return path


def test_it_says_the_law_the_peak_and_what_was_emulated(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["load", "scale", str(table), "--resamples", "100", "--predict", "300"]) == 0
    said = capsys.readouterr().out
    assert "usl    * 89.995       0.02773    0.0001044" in said
    assert "300 replicas: 1447.5/s" in said
    assert ": beyond what was measured" in said
    assert said.splitlines()[-1].startswith("usl: throughput peaks at N* = 96.52 (")
    assert said.splitlines()[-1].endswith("at 1883.9/s; the engine was emulated")


def test_a_machine_gets_one_document_and_the_file_holds_the_same(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a" / "scaling.json"
    assert run(["load", "scale", str(table), "--resamples", "100", "--json", "--out", str(out), "--note", "1994"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document == json.loads(out.read_text())
    assert (document["schema"], document["best"], document["note"]) == ("carpal.scaling/v1", "usl", "1994")


def test_a_guess_far_beyond_is_an_error_in_three_lines(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["load", "scale", str(table), "--resamples", "100", "--predict", "1000"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "[load.extrapolation]" in said.err
    assert "--extrapolate" in said.err


def test_a_law_without_an_end_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "line.csv"
    path.write_text("replicas,throughput_per_s\n" + "".join(f"{n},{40 * n + (-1) ** n}\n" for n in range(1, 9)))
    assert run(["load", "scale", str(path), "--resamples", "100"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "linear: no limit shows up to 8 replicas"
