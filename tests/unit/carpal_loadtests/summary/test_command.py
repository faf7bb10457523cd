"""The command, as a person runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from carpal.cli import run


def test_it_writes_a_page_and_what_it_says_for_machines(
    documents: dict[str, Path], runs: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report" / "s.html"
    assert run(["load", "report", str(documents["scaling"]), str(runs[0]), "--out", str(out), "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == json.loads(out.with_suffix(".json").read_text())
    assert "missing: a capacity plan: carpal load capacity" in said.err
    assert out.read_text().startswith("<!doctype html>")


def test_without_anything_it_still_makes_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "s.html"
    assert run(["load", "report", "--out", str(out)]) == 0
    assert capsys.readouterr().out.startswith("There is nothing to report yet")
    assert "nothing was measured yet" in out.read_text()


def test_what_it_cannot_read_is_an_error_in_three_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["load", "report", str(tmp_path / "none.json")]) == 2
    assert "[load.report-evidence]" in capsys.readouterr().err
