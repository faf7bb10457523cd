"""The report of a run of these tests: every case with its figures as JSON, and a page with the courses of the loads."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.cluster.load import Measured
from tests.cluster.page import page, words

from carpal.reports.page import write_page

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "out/test-cluster"
TIMELINE = "timeline"
"""Under this name a case hands over the course of its load, in JSON; all else that it hands over are figures."""


@dataclass
class Report:
    """What the cases said, kept until the end."""

    cases: dict[str, dict[str, Any]] = field(default_factory=dict)
    timelines: dict[str, tuple[Measured, dict[str, float]]] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    def keep(self, case: str, name: str, value: Any) -> None:
        """Note a figure."""
        self.cases.setdefault(case, {})[name] = value

    def failed(self, case: str) -> bool:
        """Whether the case's own part has failed."""
        return bool(self.cases.get(case, {}).get("outcome") == "failed")

    def ended(self, report: pytest.TestReport) -> str:
        """Note the end of a case with what it handed over; gives its line."""
        case = report.nodeid.partition("::")[2]
        handed = dict(report.user_properties)
        if course := handed.pop(TIMELINE, None):
            measured, moments = json.loads(str(course))
            self.timelines[case] = (Measured(**measured), moments)
        self.cases[case] = {**handed, "outcome": report.outcome, "seconds": round(report.duration, 1)}
        said = ", ".join(f"{name} {value}" for name, value in handed.items())
        return f"{report.outcome:7} {report.duration:6.1f} s  {words(case)}{': ' + said if said else ''}"

    def write(self, at_once: int) -> None:
        """Write report.json, and report.html where a load was sent; nothing where no case ended.

        Args:
            at_once: how many cases ran side by side.
        """
        if not any("outcome" in figures for figures in self.cases.values()):
            return
        FOLDER.mkdir(parents=True, exist_ok=True)
        conditions = self.conditions(at_once)
        document = {"conditions": conditions, "cases": self.cases}
        (FOLDER / "report.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        if self.timelines:
            write_page(page(self.cases, self.timelines, conditions), FOLDER / "report.html")

    def conditions(self, at_once: int) -> dict[str, Any]:
        """Where the figures come from."""
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
        return {
            "revision": head.stdout.strip(),
            "cores": os.cpu_count(),
            "load_1_min": round(os.getloadavg()[0], 1),
            "cases_at_once": at_once,
            "cluster": os.environ.get("TEST_KUBECONFIG") or "of make cluster",
            "seconds": round(time.monotonic() - self.started),
        }
