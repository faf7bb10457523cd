"""The command, as a person runs it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from carpal.cli import run
from carpal_loadtests.rows import read_rows

FILES = ["requests.parquet", "result.json", "server.parquet", "timeline.parquet"]
MEMORY_SOURCE = "local process"
CARPAL = (sys.executable, "-c", "from carpal.cli import main; main()", "load")


@pytest.fixture
def carpal_load(capsys: pytest.CaptureFixture[str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs ``carpal load`` in this process, which saves its start; those that are stopped or limited have their own."""

    def load(*arguments: object) -> subprocess.CompletedProcess[str]:
        code = run(["load", *map(str, arguments)])
        said = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, code, said.out, said.err)

    return load


@pytest.fixture
def file(tmp_path: Path, scenario: Callable[..., Any]) -> Callable[..., Path]:
    """Writes scenarios; JSON is YAML."""

    def write(**keys: Any) -> Path:
        path = tmp_path / "scenario.yaml"
        path.write_bytes(scenario(**keys).to_json())
        return path

    return write


def test_a_good_run_passes_and_leaves_result_and_rows_also_of_a_package_under_another_name(
    carpal_load: Callable[..., Any], known: Callable[..., Any], file: Callable[..., Path], tmp_path: Path
) -> None:
    server, out = known(package="starter", digest="sha256:" + "0" * 64), tmp_path / "out"
    done = carpal_load("run", file(model=None, duration_s=0.4), "--target", server.url, "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result == json.loads((out / "result.json").read_text())
    assert result["verdict"]["outcome"] == "pass"
    assert result["figures"]["counts"]["answered"] == 20
    assert result["emulated"] is True
    assert result["target"]["metadata"]["platform"] == "known"
    assert result["target"]["model"] == "known"  # the only one there, so it need not be named
    assert result["answerers"][0]["model"]["name"] == "starter"
    assert sorted(path.name for path in out.iterdir()) == FILES
    assert len(read_rows(out / "requests.parquet")) == 20
    assert result["littles_law"] is None or result["littles_law"]["holds"]
    assert MEMORY_SOURCE in result["watched"]["sources"]


def test_a_run_with_errors_fails_with_the_reason_and_exit_code_1(
    carpal_load: Callable[..., Any], known: Callable[..., Any], file: Callable[..., Path], tmp_path: Path
) -> None:
    server = known(answers={"broken": [3], "garbage": [4]})
    done = carpal_load("run", file(duration_s=0.4), "--target", server.url, "--out", tmp_path / "out")
    assert done.returncode == 1, done.stderr
    assert "fail: error_share: 2 of 20 (10.00%) where 0.00% is allowed: 1 broken, 1 wrong" in done.stderr
    assert done.stdout.startswith("fail: ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_keeps_what_was_measured_and_exits_130(
    known: Callable[..., Any], file: Callable[..., Path], tmp_path: Path, number: signal.Signals
) -> None:
    server, out = known(answers={"hang": [0]}), tmp_path / "out"
    command = [*CARPAL, "run", str(file(rate_per_s=20, duration_s=600)), "--target", server.url, "--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while len(server.seen().index) < 5 and process.poll() is None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.1)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    result = json.loads((out / "result.json").read_text())
    counts = result["figures"]["counts"]
    assert result["verdict"]["outcome"] == "invalid"
    assert result["verdict"]["reasons"][0].startswith("interrupted: ")
    assert counts["planned"] == 12_000
    assert counts["open"] >= 1
    assert counts["answered"] >= 3
    assert counts["offered"] - counts["dropped"] >= len(server.seen().index) >= 5
    assert sorted(path.name for path in out.iterdir()) == FILES


def test_a_dead_target_is_said_with_its_code_and_nothing_is_written(
    carpal_load: Callable[..., Any], file: Callable[..., Path], dead_url: str, tmp_path: Path
) -> None:
    done = carpal_load("run", file(), "--target", dead_url, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "[load.target-unreachable]" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_ci_finds_the_verdict_where_it_looks(
    carpal_load: Callable[..., Any],
    known: Callable[..., Any],
    file: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server, junit, summary = known(), tmp_path / "junit.xml", tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    arguments = ("--target", server.url, "--out", tmp_path / "out", "--junit", junit, "--quiet")
    done = carpal_load("run", file(duration_s=0.4), *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert 'failures="0"' in junit.read_text()
    assert "### Load test known: **pass**" in summary.read_text()


def test_a_full_disk_stops_the_run_and_says_what_was_measured_so_far(
    known: Callable[..., Any], file: Callable[..., Path], tmp_path: Path
) -> None:
    server, out = known(), tmp_path / "out"
    # A file may grow to 60 kB here: the plan is smaller, and its rows reach it before the run is over.
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000)); {CARPAL[2]}"
    many = {"rate_per_s": 1000, "duration_s": 2, "max_in_flight": 1}
    command = [CARPAL[0], "-c", limited, *CARPAL[3:], "run", str(file(**many))]
    done = subprocess.run(
        [*command, "--target", server.url, "--out", str(out)], capture_output=True, text=True, timeout=170
    )
    assert "invalid: rows could not be written: File too large: the run was stopped" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == 3, done.stderr
    assert len(read_rows(out / "requests.parquet")) > 500
    assert sorted(path.name for path in out.iterdir()) == FILES


def test_a_disk_that_is_full_before_the_run_is_said_in_three_lines(
    known: Callable[..., Any], file: Callable[..., Path], tmp_path: Path
) -> None:
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); {CARPAL[2]}"
    command = [CARPAL[0], "-c", limited, *CARPAL[3:], "run", str(file()), "--target", known().url]
    done = subprocess.run([*command, "--out", str(tmp_path / "out")], capture_output=True, text=True, timeout=170)
    assert done.returncode == 2
    assert "[load.unwritable]" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_plan_shows_every_intended_time_and_sends_nothing(
    carpal_load: Callable[..., Any], file: Callable[..., Path]
) -> None:
    done = carpal_load("plan", file(rate_per_s=10, duration_s=1), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["times_s"] == [k / 10 for k in range(10)]
