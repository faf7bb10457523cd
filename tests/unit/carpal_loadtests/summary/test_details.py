"""The folded parts name every run with its verdict, and the machine without its host."""

from __future__ import annotations

import platform
from pathlib import Path

from carpal_loadtests.summary.details import sections
from carpal_loadtests.summary.evidence import Evidence, gather


def test_every_run_has_its_row_and_its_reasons(runs: tuple[Path, Path]) -> None:
    made = {section.title: section for section in sections(gather(list(runs)))}
    table, reasons = made["Every run"].tables
    assert [(row[0], row[1]) for row in table.rows] == [("light", "pass"), ("full", "fail")]
    assert all(section.folded for section in made.values())
    assert {row[0] for row in reasons.rows} == {"light", "full"}
    assert platform.node() not in str(made["Machine and versions"])


def test_without_runs_there_is_nothing_to_fold() -> None:
    assert list(sections(Evidence())) == []
