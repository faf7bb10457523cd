"""Alerts fire when they should and only then, have a runbook each, and ask for what a running service exports."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from tools.observability import dashboards, rules
from tools.pages import blocks

from carpal_detector.families import FAMILIES, SECONDS

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "infra/observability/tests"
RUNBOOKS = ROOT / "docs/how-to/runbooks.md"
EXPRESSIONS = [*rules.expressions(), *dashboards.expressions()]
FROM_THE_MONITOR = {"namespace", "job", "pod", "carpal_track"}
"""Labels that Prometheus adds to every series of a pod; carpal_track by podTargetLabels."""


def alerts() -> list[dict[str, object]]:
    return [rule for group in rules.groups()["groups"] for rule in group["rules"] if "alert" in rule]


def promtool(*words: str | Path) -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed; it comes with Debian's package prometheus, and .ci/run installs it")
    done = subprocess.run([program, *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def exported() -> set[str]:
    """Names of the series that a service exports; that it does so while it runs is tested with its own tests."""
    found = {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_start_time_seconds"}
    for family in FAMILIES:
        suffixes = ("_bucket", "_sum", "_count") if family.kind == "histogram" else ("",)
        found |= {f"{family.name}{suffix}" for suffix in suffixes}
    return found


@pytest.mark.parametrize("file", sorted(TESTS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_alert_fires_when_it_should_and_only_then(file: Path):
    promtool("test", "rules", file)


def test_every_alert_is_seen_firing_and_seen_silent():
    cases = [case for file in TESTS.glob("*.yaml") for test in yaml.safe_load(file.read_text())["tests"]
             for case in test["alert_rule_test"]]  # fmt: skip
    names = {rule["alert"] for rule in alerts()}
    assert {case["alertname"] for case in cases if case["exp_alerts"]} == names
    assert {case["alertname"] for case in cases if not case["exp_alerts"]} == names


def test_every_expression_parses(tmp_path: Path):
    named = [{"record": f"n{number}", "expr": re.sub(r"\$(namespace|job)", "a", expression)}
             for number, (_, expression) in enumerate(EXPRESSIONS)]  # fmt: skip
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": named}]}))
    promtool("check", "rules", file)


@pytest.mark.parametrize(("name", "expression"), EXPRESSIONS, ids=[name for name, _ in EXPRESSIONS])
def test_every_expression_asks_for_what_the_service_exports(name: str, expression: str):
    recorded = {rule for rule, _ in rules.expressions()}
    asked = set(re.findall(r"\b(?:carpal|process)[_:][a-z_:0-9]+", expression)) - FROM_THE_MONITOR
    assert asked, "an expression that asks for nothing"
    assert asked - recorded - exported() == set(), name


def test_the_page_on_watching_scrapes_what_the_chart_installs():
    page = blocks((ROOT / "docs/how-to/watch.md").read_text())
    (text,) = [block.text for block in page if block.file == "prometheus.yaml"]
    (job,) = yaml.safe_load(text)["scrape_configs"]
    manifest = ROOT / "charts/detector/examples/keda/rendered/servingruntime.yaml"
    runtime = yaml.safe_load(manifest.read_text())
    label = runtime["metadata"]["labels"]["app.kubernetes.io/name"]
    ports = [port["name"] for port in runtime["spec"]["containers"][0]["ports"]]
    assert job["relabel_configs"][0]["regex"] == f"{label};{ports[0]}"
    added = {rule.get("target_label") for rule in job["relabel_configs"]} | {"job"}
    assert added >= FROM_THE_MONITOR


def test_a_latency_objective_lies_on_a_bucket_of_the_service():
    buckets = {f"{bound:g}" for bound in SECONDS}
    asked = {f"{float(bound):g}" for _, expression in EXPRESSIONS for bound in re.findall(r'le="([^"]+)"', expression)}
    assert asked
    assert asked <= buckets


def test_every_alert_says_the_impact_and_has_a_runbook():
    page = RUNBOOKS.read_text()
    headings = {line.removeprefix("## ").lower() for line in page.splitlines() if line.startswith("## ")}
    for rule in alerts():
        assert {"summary", "description", "runbook_url"} <= set(rule["annotations"])
        assert rule["annotations"]["runbook_url"] == f"docs/how-to/runbooks.md#{rule['alert'].lower()}"
        assert rule["alert"].lower() in headings, f"docs/how-to/runbooks.md has no part for {rule['alert']}"
    assert headings <= {str(rule["alert"]).lower() for rule in alerts()}, "a runbook for an alert that is gone"


@pytest.mark.parametrize("board", dashboards.DASHBOARDS, ids=lambda board: board.uid)
def test_a_dashboard_opens_on_its_question_and_nothing_overlaps(board: dashboards.Dashboard):
    document = json.loads(json.dumps(dashboards.document(board)))
    assert document["title"].endswith("?")
    taken: set[tuple[int, int]] = set()
    for panel in document["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert cells & taken == set(), panel["title"]
        assert max(x for x, _ in cells) < dashboards.COLUMNS
        taken |= cells
    assert [panel["type"] for panel in document["panels"][:4]] == ["stat"] * 4, "the first row answers"
