"""charts/loadtest on a real cluster: the verdict is the status of the Job, and the report is kept.

Engines are emulated: they sleep instead of computing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from infra.cluster.kubectl import wait_until
from tests.cluster.loadtest import scenario, verdict
from tests.cluster.place import claim
from tests.cluster.release import EVERYBODYS, ROOT, Release
from tests.cluster.store import Store
from tests.cluster.values import ONE, emulated

from carpal_loadtests.cluster import SOURCE, WANTED
from carpal_loadtests.result import SERVER, Result, read_result
from carpal_loadtests.telemetry import read_samples

Figure = Callable[[str, Any], None]
RECORDED = ROOT / "tests/data/recorded/values.yaml"
GONE_S = 60
MAY_LIST = {"deployments.apps", "horizontalpodautoscalers.autoscaling", "events"}


def jobs(load: Release) -> set[str]:
    """Names of the Jobs that are not on their way out."""
    found = load.space.read("jobs", f"--selector=app.kubernetes.io/instance={load.name}")["items"]
    return {job["metadata"]["name"] for job in found if "deletionTimestamp" not in job["metadata"]}


def test_from_the_version_before_on_the_verdict_is_the_jobs_status_and_the_report_is_in_the_store(
    release: Release,
    tester: tuple[Release, dict[str, Any]],
    store: Store,
    detector: dict[str, str],
    before: Callable[[str], Path],
    figure: Figure,
):
    release.install("detector", {**emulated(detector), **ONE})
    release.ready()
    load, values = tester
    reader = store.reader(release.space)
    report = {"s3": f"s3://{store.bucket}/reports", **reader}
    values = {**values, "target": "http://wrist-predictor", "report": report}
    load.install(before("loadtest"), {**values, "scenario": {"inline": scenario()}})
    load("test", load.name, "--timeout", "180s")
    assert verdict(load, "load-1") == "Complete"
    kept = {found["Key"] for found in store.client().list_objects_v2(Bucket=store.bucket)["Contents"]}
    assert "reports/load-1/result.json" in kept

    load.install("loadtest", {**values, "scenario": {"inline": scenario(p50_ms=0.001)}}, "upgrade")
    said = verdict(load, "load-2")
    figure("failed_says", said)
    assert said.startswith("Failed")
    assert "exit code 1" in said

    load("rollback", load.name, "1")
    wait_until("the first run again", lambda: jobs(load) == {"load-1"}, GONE_S)
    assert verdict(load, "load-1") == "Complete"

    load("uninstall", load.name, "--wait")
    wait_until("nothing left", lambda: not {name for name in release.left() if "load" in name}, GONE_S)


@pytest.mark.slow
def test_shared_by_two_workers_a_run_records_what_the_autoscaler_did(
    release: Release,
    tester: tuple[Release, dict[str, Any]],
    store: Store,
    detector: dict[str, str],
    figure: Figure,
    tmp_path: Path,
):
    """Two to six pods by the CPU: tests/data/recorded, the engine twice as fast. The generator may be late.

    Two of the recorded pods answer 19 images a second, and 20 come, so that chance fills a queue before the third is
    ready. Here they answer twice as many: nobody need be refused, and the CPU, by which is scaled, is the same.
    """
    recorded = yaml.safe_load(RECORDED.read_text())
    recorded["server"]["engine"] = "emulated:50"
    release.install("detector", {**recorded, "image": detector, "model": {"name": "wrist"}})
    release.ready()
    release.settled(2)
    load, values = tester
    report = {"s3": f"s3://{store.bucket}/reports", **store.reader(release.space)}
    spike = [{"rate_per_s": 5, "duration_s": 10}, {"rate_per_s": 20, "duration_s": 60}]
    inline = {**scenario(), "name": "spike", "arrivals": {"kind": "stages", "stages": spike}}
    values = {**values, "target": "http://wrist-predictor", "report": report, "watch": {"enabled": True}}
    load.install("loadtest", {**values, "workers": 2, "scenario": {"inline": inline}})
    assert verdict(load, "load-1") == "Complete", load.space("logs", "job/load-1")
    assert verdict(load, "load-1-workers") == "Complete"
    folder = store.fetch("reports/load-1", tmp_path / "load-1")
    result, rows = read_result(folder)
    figure("answered", result.figures.counts.answered)
    assert result.emulated
    assert {row.worker for row in rows} == {0, 1}
    assert SOURCE in result.watched.sources
    wanted = [sample.value for sample in read_samples(folder / SERVER) if sample.name == WANTED]
    figure("replicas_wanted", sorted(set(wanted)))
    assert wanted[0] == 2
    assert max(wanted) >= 3
    assert "SuccessfulRescale" in [event.reason for event in result.watched.events]
    rights, _ = release.space.rights("load")
    assert {name for name, verbs in rights.items() if verbs == "[list]"} == MAY_LIST
    assert {name for name, verbs in rights.items() if verbs != "[list]"} == EVERYBODYS


def test_a_shipped_scenario_runs_and_its_verdict_is_the_jobs_status(
    release: Release, tester: tuple[Release, dict[str, Any]], detector: dict[str, str], figure: Figure
):
    """Whatever it is: on a busy machine the smoke scenario may well be invalid. The report is kept on a volume."""
    release.install("detector", {**emulated(detector), **ONE})
    release.ready()
    load, values = tester
    load.space.apply(claim("reports"))
    load.install("loadtest", {**values, "target": "http://wrist-predictor", "report": {"claimName": "reports"}})
    said = verdict(load, "load-1")
    kept = load.space.run("reader", "cat /reports/load-1/result.json", GONE_S, claims={"reports": "/reports"})
    result = Result.parse_json(kept.encode(), source="load-1")
    figure("outcome", result.verdict.outcome)
    assert result.scenario.name == "smoke"
    assert result.figures.counts.answered == result.figures.counts.planned
    assert (said == "Complete") is (result.verdict.exit_code == 0)
    assert said == "Complete" or f"exit code {result.verdict.exit_code}" in said


def test_a_target_that_is_not_there_is_a_run_that_was_not_made(
    release: Release, tester: tuple[Release, dict[str, Any]]
):
    load, values = tester
    load.install("loadtest", {**values, "target": "http://nobody", "scenario": {"inline": scenario()}})
    assert "exit code 2" in verdict(load, "load-1")
    assert "nobody" in load.space("logs", "job/load-1")
