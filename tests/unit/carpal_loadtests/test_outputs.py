"""CI reads the verdict in its own words: JUnit and Markdown say the same as the exit code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from carpal_loadtests.outputs import append_summary, summary, write_junit


def test_each_check_is_a_case_and_what_is_missed_a_failure(result_of: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "load.xml"
    write_junit(result_of(slos={"p99_ms": 1}), path)
    suite = ElementTree.parse(path).getroot()
    cases = {case.get("name"): case for case in suite}
    assert {"p99_ms", "error_share", "shed_share", "offered_share", "lag_p99_ms", "generator_cpu"} <= set(cases)
    assert (suite.get("failures"), suite.get("errors"), suite.get("tests")) == ("1", "0", str(len(cases)))
    (failure,) = cases["p99_ms"]
    assert failure.tag == "failure"
    assert "20.0 ms where 1 ms is allowed" in (failure.get("message") or "")


def test_a_run_that_was_cut_short_is_an_error(result_of: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "load.xml"
    write_junit(result_of(interrupted=True), path)
    suite = ElementTree.parse(path).getroot()
    assert suite.get("errors") == "1"
    (whole,) = (case for case in suite if case.get("name") == "whole")
    assert "interrupted" in (whole[0].get("message") or "")


def test_the_markdown_says_verdict_figures_and_every_check(result_of: Callable[..., Any], tmp_path: Path) -> None:
    text = summary(result_of(slos={"p99_ms": 1}))
    assert text.startswith("### Load test known: **fail**\n")
    assert "20 of 20 planned requests answered" in text
    assert "| ❌ | p99_ms | 20.0 ms where 1 ms is allowed" in text
    assert "| ✅ | error_share |" in text
    path = tmp_path / "summary.md"
    path.write_text("before\n")
    append_summary(text, path)
    assert path.read_text() == "before\n" + text
    assert "| ❌ | whole | interrupted" in summary(result_of(interrupted=True))
