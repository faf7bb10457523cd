"""The same load under Locust's own command: its statistics count from the intended send time."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from carpal_loadtests import scenario as scenarios
from carpal_loadtests.result import read_result

LOCUSTFILE = Path(scenarios.__file__).with_name("locustfile.py")


@pytest.fixture
def locust(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs Locust headless on a scenario."""

    def run(server: Any, chosen: Any, *more: object) -> subprocess.CompletedProcess[str]:
        path = tmp_path / "scenario.yaml"
        path.write_bytes(chosen.to_json())
        command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--users", "3"]
        command += ["--host", server.url, "--scenario", str(path), *map(str, more)]
        return subprocess.run(command, capture_output=True, text=True, timeout=170)

    return run


def test_locust_sends_the_schedule_once_and_sees_the_whole_stall(
    known: Callable[..., Any], scenario: Callable[..., Any], locust: Callable[..., Any]
) -> None:
    server = known(stall_at=10, stall_s=1.0, answers={"broken": [3, 4, 5]})
    done = locust(server, scenario(rate_per_s=20, duration_s=1.5), "--json", "--exit-code-on-error", 0)
    assert done.returncode == 0, done.stderr
    (entry,) = json.loads(done.stdout)
    assert entry["num_requests"] == 30
    assert entry["num_failures"] == 3
    assert sorted(server.seen().index) == list(range(30))
    # All that were due in the second of the stall waited for its end: 0.5 s on average, if counted from the intended
    # start. The sum is bounded below by the stall alone: 1 + 0.95 + 0.90 + ... ms, which a late machine only raises.
    waited_s = sum(1.0 - k / 20 for k in range(20))
    assert entry["total_response_time"] >= 1000 * (0.9 * waited_s)


def test_worker_processes_share_the_schedule_and_the_master_comes_to_the_verdict(
    known: Callable[..., Any], scenario: Callable[..., Any], locust: Callable[..., Any], tmp_path: Path
) -> None:
    server, out = known(service_ms=5, answers={"broken": [3]}), tmp_path / "out"
    statistics, page = tmp_path / "locust", tmp_path / "locust.html"
    done = locust(
        server,
        scenario(rate_per_s=30, duration_s=1.5),
        *("--processes", 2, "--out", out, "--csv", statistics, "--html", page),
    )
    assert done.returncode == 1, done.stderr  # the verdict: a broken answer fails it
    assert sorted(server.seen().index) == list(range(45))
    result, rows = read_result(out)
    assert [row.index for row in rows] == list(range(45))
    assert {row.worker for row in rows} == {0, 1}
    assert result.processes == 2
    assert (result.verdict.outcome, result.figures.counts.answered) == ("fail", 44)
    assert "fail: error_share: 1 of 45" in done.stderr
    # Locust's own files say the same.
    with Path(f"{statistics}_stats.csv").open(newline="") as stream:
        (entry,) = (row for row in csv.DictReader(stream) if row["Name"] != "Aggregated")
    assert (entry["Request Count"], entry["Failure Count"]) == ("45", "1")
    assert "/v2/models/known/infer" in page.read_text()


def test_a_target_that_is_not_there_ends_locust_at_once(
    scenario: Callable[..., Any], locust: Callable[..., Any], dead_url: str
) -> None:
    class Dead:
        url = dead_url

    done = locust(Dead, scenario())
    assert done.returncode == 2, done.stderr
    assert "load.target-unreachable" in done.stderr
